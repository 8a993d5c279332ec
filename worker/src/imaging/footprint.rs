//! The neighbourhoods of binary morphology (scipy's `structure`): disks and squares.

/// A convex neighbourhood around a centre pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    bands: Vec<Band>,
}

/// Rows of a footprint with the same horizontal extent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    /// By how many pixels the rows reach further left than those of the band before (than the centre, in the first band).
    pub(super) more_left: usize,
    /// Likewise to the right.
    pub(super) more_right: usize,
    /// Vertical offsets of the rows from the centre.
    pub(super) rows: Vec<isize>,
}

impl Footprint {
    /// All offsets within `radius` px of the centre, `dx² + dy² ≤ radius²`: `skimage.morphology.disk(radius)`.
    pub fn disk(radius: usize) -> Self {
        let mut reach = 0;
        let mut bands = Vec::with_capacity(radius + 1);
        for distance in (0..=radius).rev() {
            let half_width = (radius * radius - distance * distance).isqrt();
            let more = half_width - reach;
            reach = half_width;
            let offset = distance as isize;
            let rows = if offset == 0 { vec![0] } else { vec![-offset, offset] };
            bands.push(Band { more_left: more, more_right: more, rows });
        }
        Self { bands }
    }

    /// The disk with the given diameter in px, the centre pixel included: radius `⌊diameter / 2⌋`.
    ///
    /// A disk on the pixel grid has an odd diameter; an even one is taken as the next larger (8 px gives radius 4, as 9 px
    /// does). A diameter of 0 or 1 is the single centre pixel, which changes nothing.
    pub fn disk_of_diameter(diameter: usize) -> Self {
        Self::disk(diameter / 2)
    }

    /// A square with the given side in px; 0 is taken as 1, the single centre pixel, which changes nothing.
    ///
    /// As in scipy, an even square is centred on the pixel right of and below its middle: an erosion looks at the offsets
    /// `-side / 2 ..= side / 2 - 1`, and a dilation adds the same offsets to each foreground pixel, so that closing and
    /// opening shift nothing.
    pub fn square(side: usize) -> Self {
        let before = side / 2;
        let after = side.saturating_sub(before + 1);
        let rows = (-(before as isize)..=after as isize).collect();
        Self { bands: vec![Band { more_left: before, more_right: after, rows }] }
    }

    /// The rows from the narrowest to the widest; each band contains the horizontal extent of the one before.
    pub(super) fn bands(&self) -> &[Band] {
        &self.bands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height of the box around a footprint.
    fn size(footprint: &Footprint) -> (usize, usize) {
        let width: usize = footprint.bands().iter().map(|band| band.more_left + band.more_right).sum();
        let height: usize = footprint.bands().iter().map(|band| band.rows.len()).sum();
        (width + 1, height)
    }

    #[test]
    fn an_odd_size_is_the_diameter_of_the_disk_and_the_side_of_the_square() {
        for odd in [1, 3, 7, 15] {
            assert_eq!(size(&Footprint::disk_of_diameter(odd)), (odd, odd));
            assert_eq!(size(&Footprint::square(odd)), (odd, odd));
        }
    }

    #[test]
    fn an_even_size_is_rounded_up_for_the_disk_and_kept_for_the_square() {
        assert_eq!(Footprint::disk_of_diameter(8), Footprint::disk(4));
        assert_eq!(size(&Footprint::disk_of_diameter(8)), (9, 9));
        assert_eq!(size(&Footprint::square(8)), (8, 8));
    }

    #[test]
    fn size_zero_is_the_centre_pixel() {
        assert_eq!(size(&Footprint::disk_of_diameter(0)), (1, 1));
        assert_eq!(Footprint::square(0), Footprint::square(1));
    }
}
