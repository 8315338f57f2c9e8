//! The socket error queue: who refused a packet, and why.
