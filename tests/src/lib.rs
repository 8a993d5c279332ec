//! End-to-end tests of fovflow; they live in `tests/tests`.
