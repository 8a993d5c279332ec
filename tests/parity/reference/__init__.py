"""SPEC section 3, one module per stage, in the plainest numpy, scipy and scikit-image. Nothing here is tuned for speed.

Where SPEC.md leaves a detail open, the choice stands in one place per module, between the marks
`SPEC IS SILENT` and `END`, so that it can be held against the Rust documentation.
"""
