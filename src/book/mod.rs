//! The book: what was seen, with its provenance; read back, verified and merged.
