//! What the scope promises.
