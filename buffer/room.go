package buffer

// How many pages blocks take: bbolt keeps them in nodes, and a node in whole pages.

const (
	itemSize = elemSize + 8 // of a block in its page, beside its bytes
	inNode   = 4            // blocks that bbolt leaves together though they fill more than a page
	joined   = 1 + inNode   // blocks that an eviction brings together: the rest of a node may join the next
	toRoot   = 2            // pages from a node to its bucket's root, beside those that it splits
)

// pagesFor is about how many pages nodes take that hold items of these sizes, and what
// leads to them. Where the first node begins is not known; the reserve bears the difference.
func pagesFor(sizes []int) int64 {
	if len(sizes) == 0 {
		return 0
	}
	var last node
	pages := last.add(sizes)
	return pages + wholePages(last.bytes()) + pages/64 + toRoot
}

// A node is the last one of a stream, to which bbolt appends.
type node []int64 // sizes of its items

// add appends the blocks of one commit, and returns how many pages are full by that: a node
// beyond one page is split, unless it has four items at most; two at least stay together,
// and three go on to the next node even if they had room in this one. So blocks that come
// one by one fill their pages worse than many at once.
func (n *node) add(sizes []int) (pages int64) {
	for _, s := range sizes {
		*n = append(*n, int64(s+itemSize))
	}
	for len(*n) > inNode && n.bytes() >= pageSize {
		cut, size := 0, int64(pageHead)
		for i, item := range (*n)[:len(*n)-2] {
			if cut = i; i >= 2 && size+item > pageSize {
				break
			}
			size += item
		}
		first := (*n)[:cut]
		pages += wholePages(first.bytes())
		*n = (*n)[cut:]
	}
	return pages
}

func (n node) bytes() int64 {
	size := int64(pageHead)
	for _, item := range n {
		size += item
	}
	return size
}

func wholePages(bytes int64) int64 { return (bytes + pageSize - 1) / pageSize }
