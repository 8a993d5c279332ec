//! Stored pixels to `u16` arrays.

use ndarray::ArrayViewMut2;

/// How a pixel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PixelType {
    /// One byte.
    Uint8,
    /// Two bytes, little-endian.
    Uint16,
}

impl PixelType {
    /// Bytes per pixel.
    pub(super) fn bytes(self) -> usize {
        match self {
            PixelType::Uint8 => 1,
            PixelType::Uint16 => 2,
        }
    }

    /// NumPy's name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            PixelType::Uint8 => "uint8",
            PixelType::Uint16 => "uint16",
        }
    }
}

/// Where the pixels of a plane lie in a byte buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelLayout {
    /// Byte of the first pixel.
    pub(super) first: usize,
    /// Bytes from one pixel to the next of a row; at least the pixel's own.
    pub(super) pixel_step: usize,
    /// Bytes from one row to the next.
    pub(super) row_step: usize,
}

/// Copies pixels into `target`, 8-bit ones widened; `None` where `bytes` ends before the last pixel.
pub(super) fn copy_pixels(
    bytes: &[u8],
    pixel_type: PixelType,
    layout: PixelLayout,
    mut target: ArrayViewMut2<'_, u16>,
) -> Option<()> {
    let width = target.ncols();
    if width == 0 {
        return Some(());
    }
    let row_bytes = (width - 1).checked_mul(layout.pixel_step)?.checked_add(pixel_type.bytes())?;
    for (y, mut row) in target.rows_mut().into_iter().enumerate() {
        let start = y.checked_mul(layout.row_step)?.checked_add(layout.first)?;
        let stored = bytes.get(start..start.checked_add(row_bytes)?)?;
        let stored_pixels = stored.chunks(layout.pixel_step);
        match pixel_type {
            PixelType::Uint8 => {
                for (pixel, stored) in row.iter_mut().zip(stored_pixels) {
                    *pixel = u16::from(stored[0]);
                }
            }
            PixelType::Uint16 => {
                for (pixel, stored) in row.iter_mut().zip(stored_pixels) {
                    *pixel = u16::from_le_bytes([stored[0], stored[1]]);
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn picks_one_channel_out_of_interleaved_padded_rows() {
        // Two channels of 16 bits, two pixels wide, three bytes of padding after each row but the last.
        let bytes = [1, 0, 9, 9, 2, 1, 9, 9, 7, 7, 7, 3, 0, 9, 9, 4, 255, 9, 9];
        let layout = PixelLayout { first: 0, pixel_step: 4, row_step: 11 };
        let mut target = Array2::zeros((2, 2));
        copy_pixels(&bytes, PixelType::Uint16, layout, target.view_mut()).unwrap();
        assert_eq!(target, array![[1, 258], [3, 4 + 255 * 256]]);

        let second = PixelLayout { first: 2, ..layout };
        copy_pixels(&bytes, PixelType::Uint16, second, target.view_mut()).unwrap();
        assert_eq!(target, array![[0x909, 0x909], [0x909, 0x909]]);
    }

    #[test]
    fn widens_bytes_with_their_value_and_refuses_a_short_buffer() {
        let layout = PixelLayout { first: 0, pixel_step: 1, row_step: 2 };
        let mut target = Array2::zeros((2, 2));
        copy_pixels(&[0, 1, 128, 255], PixelType::Uint8, layout, target.view_mut()).unwrap();
        assert_eq!(target, array![[0, 1], [128, 255]]);
        assert_eq!(copy_pixels(&[0, 1, 128], PixelType::Uint8, layout, target.view_mut()), None);
    }
}
