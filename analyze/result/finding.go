package result

// Finding is one thing that is wrong, with everyone it is wrong for.
type Finding struct {
	ID         string   `json:"id"`
	Severity   Severity `json:"severity"`
	Confidence string   `json:"confidence"`
	Category   string   `json:"category"`
	Title      string   `json:"title"`
	Cluster    string   `json:"cluster,omitempty"` // in a bundle of several
	Message    string   `json:"message"`           // of the first subject
	Cause      string   `json:"cause"`
	Impact     string   `json:"impact"`
	Remedy     string   `json:"remedy"`
	// OtherCauses are possible beside Cause, where nothing decides.
	OtherCauses []OtherCause `json:"otherCauses"`
	// But is what does not support the claim, which is a hint then.
	But string `json:"but,omitempty"`
	// State is "ongoing", "over" or "unknown"; First, Last (RFC 3339) and Count are of what
	// was logged or counted, over all subjects.
	State State  `json:"state"`
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	Count int    `json:"count,omitempty"`
	// Since says since when calls have failed, how many of them, and how many worked; "" of what is no call.
	Since string `json:"since,omitempty"`
	// Changes are what was changed just before First on what the finding concerns, what it
	// names before all else: near in time, which proves nothing.
	Changes     []NearChange `json:"changes"`
	Docs        []string     `json:"docs"`
	Fingerprint string       `json:"fingerprint"`
	Subjects    []Subject    `json:"subjects"`
	Evidence    []Evidence   `json:"evidence"`
	// Explains are the findings that this one is the cause of.
	Explains []*Finding `json:"explains"`
	// SuppressedBy is "baseline" or the suppression's id, SuppressedFor its reason; "" for what is shown.
	SuppressedBy  Suppressor `json:"suppressedBy,omitempty"`
	SuppressedFor string     `json:"suppressedFor,omitempty"`
}

// OtherCause is one that is possible beside a finding's own.
type OtherCause struct {
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

// Suppressor says what suppressed a finding: "baseline", or a suppression by its id.
type Suppressor string

const ByBaseline Suppressor = "baseline"

// NearChange is a change of an object shortly before a fault began.
type NearChange struct {
	Resource  string   `json:"resource"` // in the plural: "services"
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name"`
	Manager   string   `json:"manager"`
	Operation string   `json:"operation"`
	Time      string   `json:"time"`  // RFC 3339
	Paths     []string `json:"paths"` // of fields that the manager owns since
	Evidence  Evidence `json:"evidence"`
}
