package collect

import (
	"fmt"
	"net/http"
	"net/url"
)

// redirectError is an answer that names another place to ask. The collector
// never goes there: its credentials are for the API server alone.
type redirectError struct {
	from, to *url.URL
}

func (e *redirectError) Error() string {
	to := e.to.Scheme + "://" + e.to.Host // its path and query may hold a login's state
	if e.to.Host == e.from.Host && e.to.Scheme == e.from.Scheme {
		to = "another path of the same host"
	}
	return "it answered with a redirect to " + to + ", which is not followed"
}

// refuseRedirect is the CheckRedirect of every client that the collector makes.
func refuseRedirect(req *http.Request, via []*http.Request) error {
	return &redirectError{from: via[len(via)-1].URL, to: req.URL}
}

// redirectedNowhere is the error of an answer that is a redirect which names no
// place, nil of every other.
func redirectedNowhere(resp *http.Response) error {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return nil
	}
	return fmt.Errorf("it answered %d %s, a redirect without a place to go to", resp.StatusCode, http.StatusText(resp.StatusCode))
}
