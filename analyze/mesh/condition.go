package mesh

// Condition is a status condition of a Kubernetes object.
type Condition struct {
	Status  string `expr:"status"`
	Reason  string `expr:"reason"`
	Message string `expr:"message"`
}
