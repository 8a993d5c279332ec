//! How much to fetch from a store, and what to keep of it: pure, so that it can be tested without a store.
//!
//! A store charges a round trip per request, so a movie read in order wants requests of many megabytes; a parser that looks
//! up a few hundred bytes at the other end of a 100 GB file wants small ones. As a kernel does for a disk, the window
//! starts small and doubles with every fetch that goes on where the one before ended; a jump starts it anew. So opening a
//! file costs a few requests of [`PAGE`], a plane that is larger than the window costs one request of its own size
//! ([`MAX_FETCH`] at most), and small planes in a row soon share one of [`MAX_FETCH`].

use std::ops::Range;

/// Fetches start at multiples of this many bytes and are at least this long.
pub(super) const PAGE: u64 = 256 * 1024;

/// Longest fetch, in bytes.
pub(super) const MAX_FETCH: u64 = 16 * 1024 * 1024;

/// Most bytes that are kept, whatever the file's size.
pub(super) const CAPACITY: u64 = 4 * MAX_FETCH;

/// The fetched spans of one file, the least recently used dropped first.
#[derive(Debug)]
pub(super) struct ReadAhead<B> {
    file_length: u64,
    window: u64,
    next_sequential: u64,
    clock: u64,
    spans: Vec<Span<B>>,
}

#[derive(Debug)]
struct Span<B> {
    start: u64,
    bytes: B,
    last_use: u64,
}

impl<B: AsRef<[u8]>> ReadAhead<B> {
    /// For a file of this length, nothing fetched yet.
    pub(super) fn new(file_length: u64) -> Self {
        Self {
            file_length,
            window: 0,
            // No position of a file, so that the first fetch counts as a jump.
            next_sequential: u64::MAX,
            clock: 0,
            spans: Vec::new(),
        }
    }

    /// Copies what is at hand of the bytes from `position` to the front of `target`; returns how many (0: fetch first).
    pub(super) fn copy(&mut self, position: u64, target: &mut [u8]) -> usize {
        self.clock += 1;
        for span in &mut self.spans {
            let bytes = span.bytes.as_ref();
            if position < span.start || position - span.start >= bytes.len() as u64 {
                continue;
            }
            // Fits: it is smaller than the length of a slice.
            let skipped = (position - span.start) as usize;
            let count = target.len().min(bytes.len() - skipped);
            target[..count].copy_from_slice(&bytes[skipped..skipped + count]);
            span.last_use = self.clock;
            return count;
        }
        0
    }

    /// Which range to fetch so that the bytes from `position`, which isn't at hand, come to hand.
    pub(super) fn plan(&mut self, position: u64, wanted: u64) -> Range<u64> {
        let start = position - position % PAGE;
        self.window = if start == self.next_sequential { (self.window * 2).min(MAX_FETCH) } else { PAGE };
        let needed = (position - start).saturating_add(wanted);
        let length = needed.max(self.window).min(MAX_FETCH).next_multiple_of(PAGE);
        let end = (start + length).min(self.file_length);
        self.next_sequential = end;
        start..end
    }

    /// Keeps a fetched span.
    pub(super) fn insert(&mut self, start: u64, bytes: B) {
        self.clock += 1;
        let last_use = self.clock;
        self.spans.push(Span { start, bytes, last_use });
        while self.kept_bytes() > CAPACITY {
            let Some(oldest) = (0..self.spans.len()).min_by_key(|&index| self.spans[index].last_use) else {
                return;
            };
            self.spans.swap_remove(oldest);
        }
    }

    fn kept_bytes(&self) -> u64 {
        self.spans.iter().map(|span| span.bytes.as_ref().len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn the_window_doubles_in_sequence_and_falls_back_on_a_jump() {
        let mut cache = ReadAhead::<Vec<u8>>::new(100 * GIB);
        let mut position = GIB;
        let mut lengths = Vec::new();
        for _ in 0..9 {
            let range = cache.plan(position, 100);
            assert_eq!(range.start, position);
            lengths.push((range.end - range.start) / PAGE);
            position = range.end;
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        assert_eq!(cache.plan(50 * GIB + 5, 100), 50 * GIB..50 * GIB + PAGE);
    }

    #[test]
    fn a_large_request_is_fetched_whole_and_stops_at_the_end_of_the_file() {
        let mut cache = ReadAhead::<Vec<u8>>::new(10 * GIB + 3);
        let plane = 8 * 1024 * 1024;
        let range = cache.plan(GIB + 300, plane);
        assert_eq!(range, GIB..GIB + plane + PAGE);
        assert_eq!(cache.plan(10 * GIB, 3), 10 * GIB..10 * GIB + 3);
        assert_eq!(cache.plan(0, u64::MAX), 0..MAX_FETCH);
    }

    #[test]
    fn memory_stays_bounded_and_the_least_recently_used_span_goes_first() {
        let mut cache = ReadAhead::<Vec<u8>>::new(GIB);
        for index in 0..4 {
            cache.insert(index * MAX_FETCH, vec![index as u8; MAX_FETCH as usize]);
        }
        let mut byte = [0];
        assert_eq!(cache.copy(0, &mut byte), 1);
        cache.insert(4 * MAX_FETCH, vec![4; MAX_FETCH as usize]);
        assert_eq!(cache.kept_bytes(), CAPACITY);
        assert_eq!(cache.copy(0, &mut byte), 1, "used a moment ago");
        assert_eq!(cache.copy(MAX_FETCH, &mut byte), 0, "the oldest");
        assert_eq!(cache.copy(5 * MAX_FETCH - 1, &mut [0; 9]), 1, "up to the span's end only");
        assert_eq!(cache.copy(5 * MAX_FETCH, &mut byte), 0);
    }
}
