//! Parses, runs, exits: nothing else.

fn main() -> postern::cli::Exit {
    postern::cli::main()
}
