package kernel

import (
	"context"
	"runtime"
	"testing"
)

// While the loop runs the handler is called as the next thing, not inside of the job.
func TestReportOfAJobComesBeforeWhatIsReady(t *testing.T) {
	k, h := newKernel(t)
	k.Report(Report{Message: "at once"})
	h.steps.check(t, "report at once")
	h.steps = nil
	soon(k, func() {
		k.Report(Report{Message: "next"})
		h.steps.add("job")
	})
	k.Push(newErrand(&h.steps, "rest"))
	runOnce(t, k)
	h.steps.check(t, "job", "report next", "run rest")
}

func TestReportsThatAreYoungKeepTheirOrderAsTheyAge(t *testing.T) {
	k, h := newKernel(t)
	var owned Promise
	owned.Init(k, new(testOwner))
	owned.Finish(errTest)
	k.Age()
	p := newFuture(k)
	p.Finish(errTest)
	k.Age()
	k.Close()
	h.steps.check(t, "report Test exception was never retrieved", "report Future exception was never retrieved")
	owned.Forget()
	p.Forget()
}

// postingHost passes reports on from any goroutine.
type postingHost struct {
	*testHost
	reports chan string
}

func (h postingHost) Report(r Report) { h.reports <- r.Message }

func TestReportOfAFailureAfterCloseComesFromTheGarbageCollector(t *testing.T) {
	k, h := newKernel(t)
	host := postingHost{h, make(chan string, 1)}
	k.host = host
	k.Close()
	newFuture(k).Finish(errTest)
	for len(host.reports) == 0 {
		runtime.GC()
	}
	mustBe(t, "the report", <-host.reports, "Future exception was never retrieved")
}

func TestReportComesFromTheGarbageCollectorEachTime(t *testing.T) {
	k, h := newKernel(t)
	for n := 1; n <= 2; n++ {
		newFuture(k).Finish(errTest)
		for len(h.steps) < n {
			runtime.GC()
			runOnce(t, k)
		}
	}
}

// wholeHost notes whole reports.
type wholeHost struct {
	*testHost
	reports []Report
}

func (h *wholeHost) Report(r Report) { h.reports = append(h.reports, r) }

func TestReportThatIsOldHasWhatWasSaidOfItsFuture(t *testing.T) {
	k, h := newKernel(t)
	host := &wholeHost{testHost: h}
	k.host = host
	old, young := newFuture(k), newFuture(k)
	old.Finish(ofContext{context.Background()})
	k.Age()
	young.Finish(errTest)
	k.Close()
	mustBe(t, "the number of reports", len(host.reports), 2)
	for i, p := range []*Promise{old, young} {
		mustBe(t, "the future", host.reports[i].Future.String(), p.String())
	}
	_, detached := host.reports[0].Err.(*lostError)
	mustBe(t, "the old error is detached", detached, true)
	mustBe(t, "the text of the old error", host.reports[0].Err.Error(), "has a context")
	mustBe(t, "the young error", host.reports[1].Err, errTest)
}

// What has been told is off the lists: it is neither told again, nor does its retrieval
// touch the others.
func TestReportThatWasToldLeavesTheOthersAlone(t *testing.T) {
	k, h := newKernel(t)
	const message = "report Future exception was never retrieved"
	first, second := newFuture(k), newFuture(k)
	first.Finish(errTest)
	second.Finish(errTest)
	k.Age()
	lost(first.report)
	runOnce(t, k)
	h.steps.check(t, message)
	first.Forget()
	k.Close()
	h.steps.check(t, message, message)
	second.Forget()
}

// lostOnClose is a job that, when it is dropped, says that a future is gone: Close has
// begun then, and has not told of the future yet.
type lostOnClose struct{ report *Node[report] }

func (lostOnClose) Run()           {}
func (lostOnClose) String() string { return "" }
func (l lostOnClose) Drop()        { lost(l.report) }

func TestReportOfAFutureThatIsLostDuringCloseComesOnce(t *testing.T) {
	k, h := newKernel(t)
	p := newFuture(k)
	p.Finish(errTest)
	k.Age()
	handle := new(Handle)
	handle.Init(Internal, lostOnClose{p.report})
	k.Push(handle)
	k.Close()
	h.steps.check(t, "report Future exception was never retrieved")
	p.Forget()
}

// testKey is a key of values in contexts.
type testKey int

// A loop that keeps its reports does not ask the garbage collector.
func TestReportsThatAreKeptComeAtTheEndInTheirOrder(t *testing.T) {
	k, h := newKernel(t)
	host := &wholeHost{testHost: h}
	k.host = host
	k.KeepReports()
	want := make([]error, 3)
	func() {
		for i := range want {
			want[i] = ofContext{context.WithValue(context.Background(), testKey(i), i)} // no text will stand for it
			newFuture(k).Finish(want[i])
			retrieved := newFuture(k)
			retrieved.Finish(errTest)
			retrieved.Forget()
		}
	}()
	for range 3 {
		runtime.GC()
		k.Age()
		pushAfter(k, 1, k.Stop)
		run(t, k)
	}
	mustBe(t, "the number of reports before the end", len(host.reports), 0)
	k.Close()
	mustBe(t, "the number of reports", len(host.reports), len(want))
	for i, r := range host.reports {
		mustBe(t, "the error", r.Err, want[i])
	}
}
