//! Little-endian numbers from byte slices whose length nobody has checked yet.

/// `N` bytes at `offset`, or `None` where the slice is too short.
pub(super) fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

/// A `u32` at `offset`, or `None` where the slice is too short.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array_at(bytes, offset).map(u32::from_le_bytes)
}

/// An `i32` at `offset`, or `None` where the slice is too short.
pub(super) fn i32_at(bytes: &[u8], offset: usize) -> Option<i32> {
    array_at(bytes, offset).map(i32::from_le_bytes)
}

/// A `u64` at `offset`, or `None` where the slice is too short.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array_at(bytes, offset).map(u64::from_le_bytes)
}

/// An `f64` at `offset`, or `None` where the slice is too short.
pub(super) fn f64_at(bytes: &[u8], offset: usize) -> Option<f64> {
    array_at(bytes, offset).map(f64::from_le_bytes)
}
