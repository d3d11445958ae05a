package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func (l *List[T]) values() (all []T) {
	for n := l.First(); n != nil; n = n.Next() {
		all = append(all, n.Value)
	}
	return all
}

func TestListKeepsTheOrderWhateverIsRemoved(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l List[int]
	var nodes []*Node[int]
	var want []int
	for step := range 5_000 {
		if len(want) == 0 || random.IntN(5) < 3 {
			n := &Node[int]{Value: step}
			l.PushBack(n)
			nodes, want = append(nodes, n), append(want, step)
		} else {
			i := random.IntN(len(nodes))
			l.Remove(nodes[i])
			if nodes[i].Next() != nil {
				t.Fatal("a removed node is still linked")
			}
			nodes, want = slices.Delete(nodes, i, i+1), slices.Delete(want, i, i+1)
		}
		if l.Empty() != (len(want) == 0) || !slices.Equal(l.values(), want) {
			t.Fatalf("step %d: the list is %v, want %v", step, l.values(), want)
		}
	}
}

func TestListTakeAllHandsTheNodesOver(t *testing.T) {
	var l List[int]
	for i := range 3 {
		l.PushBack(&Node[int]{Value: i})
	}
	var got []int
	for n := l.TakeAll(); n != nil; {
		next := n.Detach()
		if n.Next() != nil || n.prev != nil {
			t.Fatal("a detached node is still linked")
		}
		got = append(got, n.Value)
		l.PushBack(n) // it may be in a list again
		n = next
	}
	if want := []int{0, 1, 2}; !slices.Equal(got, want) || !slices.Equal(l.values(), want) {
		t.Errorf("taken: %v, in the list again: %v", got, l.values())
	}
}
