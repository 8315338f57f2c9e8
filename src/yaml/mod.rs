//! Strict YAML: a file becomes a tree that knows where each of its values stands, and the tree a typed value.
//!
//! This is the only module that knows the parser. A file is read in three passes, and each says everything that it
//! finds wrong: the text (encoding, syntax, duplicate keys, alias bombs), the shape (against the JSON Schema that is
//! generated from the type), and the values (what the type's own conversions refuse). A room that has more rules adds
//! them through [`read_with`], over the tree, so that they speak up even where the shape is wrong.

mod formats;
mod node;
mod parse;
mod place;
mod read;
mod shape;
mod text;
mod value;

pub use formats::NetworkText;
pub use node::{Entry, Node, Scalar, Sort, Style};
pub use parse::parse;
pub use read::{Document, SchemaLine, read, read_with, schema_line, schema_of};
pub use text::source;
