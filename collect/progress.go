package collect

// Progress is told what a run is doing. Its methods may be called from many
// goroutines at once.
type Progress interface {
	Note(text string)                          // something to tell before the work goes on, of one or more lines
	Total(tasks int)                           // expected so far
	Begin(label string)                        // a task starts
	End(label string, received, archive int64) // a task has ended; bytes received for it, bytes of the archive so far
}

// Quiet tells nothing.
type Quiet struct{}

func (Quiet) Note(string)              {}
func (Quiet) Total(int)                {}
func (Quiet) Begin(string)             {}
func (Quiet) End(string, int64, int64) {}
