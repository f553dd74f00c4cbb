//! Tests of the decoders as a whole.
