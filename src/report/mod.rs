//! A review as bytes, one format a file. Pure.
