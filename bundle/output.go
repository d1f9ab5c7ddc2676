package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Stdout as a name makes the archive a stream.
const Stdout = "-"

// encrypted ends the name of a bundle that only its recipients can read.
const encrypted = ".age"

// output is where the archive goes: a file that appears under its name when
// it is whole, or a stream. With recipients only they can read it.
type output struct {
	final string
	file  *os.File // nil for a stream
	to    countingWriter
	seal  io.WriteCloser // nil without recipients
}

func createOutput(name, base string, opts CreateOptions) (*output, error) {
	o := &output{final: name}
	if name == Stdout {
		o.to.w = opts.Stdout
	} else {
		file, err := os.CreateTemp(filepath.Dir(name), partial(base, "*")) // 0600
		if err != nil {
			return nil, fmt.Errorf("create the bundle: %w", err)
		}
		o.file, o.to.w = file, file
	}
	if len(opts.Recipients) == 0 {
		return o, nil
	}
	seal, err := age.Encrypt(&o.to, opts.Recipients...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("encrypt the bundle: %w", err), o.discard())
	}
	o.seal = seal
	return o, nil
}

func (o *output) Write(p []byte) (int, error) {
	if o.seal != nil {
		return o.seal.Write(p)
	}
	return o.to.Write(p)
}

// commit makes the archive appear.
func (o *output) commit() error {
	if o.seal != nil {
		if err := o.seal.Close(); err != nil {
			return errors.Join(fmt.Errorf("finish the bundle: %w", err), o.discard())
		}
	}
	if err := o.to.failure(); err != nil {
		return errors.Join(fmt.Errorf("finish the bundle: %w", err), o.discard())
	}
	if o.file == nil {
		return nil
	}
	if err := o.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("finish the bundle: %w", err), o.discard())
	}
	if err := o.file.Close(); err != nil {
		return errors.Join(fmt.Errorf("finish the bundle: %w", err), os.Remove(o.file.Name()))
	}
	if err := os.Rename(o.file.Name(), o.final); err != nil {
		return errors.Join(fmt.Errorf("finish the bundle: %w", err), os.Remove(o.file.Name()))
	}
	return nil
}

// discard leaves no file.
func (o *output) discard() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.file.Close(), os.Remove(o.file.Name()))
}

// countingWriter counts what reaches the file, and keeps the first error.
type countingWriter struct {
	w   io.Writer
	n   atomic.Int64
	err atomic.Pointer[error]
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	if err != nil {
		c.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (c *countingWriter) failure() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Recipients reads whom to encrypt to: age1… and SSH keys given as they are,
// and files of them, a line each.
func Recipients(keys, files []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, key := range keys {
		r, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil {
			return nil, fmt.Errorf("encrypt to %q: %w", key, err)
		}
		out = append(out, r...)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the recipients: %w", err)
		}
		r, err := age.ParseRecipients(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("read the recipients in %s: %w", file, err)
		}
		out = append(out, r...)
	}
	return out, nil
}

// Identities reads the keys in files that can open an encrypted bundle.
func Identities(files []string) ([]age.Identity, error) {
	var out []age.Identity
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the key: %w", err)
		}
		ids, err := age.ParseIdentities(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("read the key in %s: %w", file, err)
		}
		out = append(out, ids...)
	}
	return out, nil
}

// The beginnings of an encrypted file.
const (
	ageHead   = "age-encryption.org/"
	armorHead = armor.Header
)

// unseal opens what was encrypted; everything else it gives back as it is.
func unseal(head []byte, in io.Reader, identities []age.Identity) (io.Reader, bool, error) {
	armored := strings.HasPrefix(string(head), armorHead)
	if !armored && !strings.HasPrefix(string(head), ageHead) {
		return in, false, nil
	}
	if len(identities) == 0 {
		return nil, true, errors.New("the bundle is encrypted: give the key with -i KEYFILE")
	}
	if armored {
		in = armor.NewReader(in)
	}
	out, err := age.Decrypt(in, identities...)
	if err != nil {
		return nil, true, fmt.Errorf("decrypt the bundle: %w", err)
	}
	return out, true, nil
}
