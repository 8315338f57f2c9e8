//! Bytes to structs and back, as the RFCs draw them, without any I/O to import.
#![no_std]
