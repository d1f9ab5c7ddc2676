package sim

// Fault is one fault that can be planted in a generated world.
type Fault struct {
	Name  string
	Title string
}

// Faults lists what can be planted, by name.
func Faults() []Fault { return nil }
