package bundle

import (
	"os"
	"syscall"
)

// linkOf identifies a file that has several names; ok is false for any other.
func linkOf(file *os.File) (id fileID, ok bool) {
	var info syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(file.Fd()), &info); err != nil || info.NumberOfLinks < 2 {
		return fileID{}, false
	}
	return fileID{uint64(info.VolumeSerialNumber), uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}, true
}
