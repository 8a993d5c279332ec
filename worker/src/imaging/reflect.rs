//! The border rule of the filters: `reflect`, as scipy.ndimage names it.

/// The index in `0..len` that stands in for `position` on an image line continued by reflection about its edges.
///
/// The edge sample is repeated (`d c b a | a b c d | d c b a`), and the reflection goes on as far as needed: a line
/// continues with period `2 · len`, so a filter may be wider than the line.
///
/// `len` must not be zero: an empty line has nothing to reflect.
pub(super) fn reflect(position: isize, len: usize) -> usize {
    debug_assert!(len > 0, "an empty line cannot be reflected");
    let folded = position.rem_euclid(2 * len as isize) as usize;
    if folded < len { folded } else { 2 * len - 1 - folded }
}

#[cfg(test)]
mod tests {
    use super::reflect;

    #[test]
    fn repeats_the_edge_and_goes_on_with_period_two_len() {
        let line: Vec<usize> = (-8..12).map(|position| reflect(position, 4)).collect();
        assert_eq!(line, [0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_single_sample_stands_for_every_position() {
        assert!((-5..5).all(|position| reflect(position, 1) == 0));
    }
}
