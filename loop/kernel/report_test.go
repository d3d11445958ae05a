package kernel

import "testing"

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

// What is retrieved by one handler is not reported to the next.
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
