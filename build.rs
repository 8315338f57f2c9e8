//! Tells cargo that a new check, profile or page of words makes another program.

fn main() {
    for folder in ["checks", "profiles", "reports"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
