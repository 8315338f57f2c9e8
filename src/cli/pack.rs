//! `postern pack`: locks a pack, and says whether one is what its keeper made.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::files::give_up;
use super::library::Packs;
use super::{Exit, Globals, packs};
use crate::catalogue::pack::{LOCK, Lock, Pack as Opened, SIGNATURE, Seal};
use crate::model::complaint::Complaint;

/// Lock and verify packs of checks and profiles
///
/// A pack is a folder with a pack.yaml, `checks/`, `profiles/` and whatever else belongs to it. Its pack.lock holds the
/// SHA-256 of every file in it (`sha256sum -c pack.lock` checks it too), and a minisign signature over that one file
/// vouches for all of them. Both are verified at every start, over the very bytes that are then used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern pack lock my-pack && minisign -S -m my-pack/pack.lock
      makes the lock, and signs it
  postern pack verify my-pack --trust-key keeper.pub
      says what it is and who signed it
  postern scan --pack my-pack --trust-key keeper.pub --require-signed --inventory inventory.yaml
      uses it, and nothing that is not signed")]
pub(crate) struct Pack {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the lock of a pack, over every file in it.
    Lock {
        /// The pack's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Say what a pack is, whether its lock holds and who signed it.
    Verify {
        /// The pack's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// A key whose signature is trusted: a .pub file of minisign, or the line in it that begins with RW.
        #[arg(long, value_name = "KEY", env = "POSTERN_TRUST_KEY", value_delimiter = ',')]
        trust_key: Vec<String>,
        /// Hold a pack that is not signed by a trusted key for wrong.
        #[arg(long, env = "POSTERN_REQUIRE_SIGNED")]
        require_signed: bool,
    },
}

impl Pack {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let done = match &self.what {
            What::Lock { folder } => lock(folder),
            What::Verify { folder, trust_key, require_signed } => verify(&Packs {
                pack: vec![folder.clone()],
                trust_key: trust_key.clone(),
                require_signed: *require_signed,
            }),
        };
        match done {
            Ok(text) => {
                if !globals.quiet {
                    let _ = std::io::stdout().lock().write_all(text.as_bytes());
                }
                Exit::Passed
            }
            Err(complaints) => give_up(globals, &complaints),
        }
    }
}

/// Writes the lock; the old one and its signature say nothing of what is there now.
fn lock(folder: &std::path::Path) -> Result<String, Vec<Complaint>> {
    let mut files = packs::files(folder)?;
    files.remove(LOCK);
    let signed = files.remove(SIGNATURE).is_some();
    let pack = Opened::open(folder, &files, &[], env!("CARGO_PKG_VERSION"))?;
    let text = Lock::of(&files).text();
    let path = folder.join(LOCK);
    let cannot = |wrong: std::io::Error| {
        vec![Complaint::nowhere(format!("`{}` cannot be written: {wrong}", path.display()))]
    };
    let new = folder.join(format!("{LOCK}.new"));
    fs::write(&new, &text).and_then(|()| fs::rename(&new, &path)).map_err(cannot)?;
    if signed {
        fs::remove_file(folder.join(SIGNATURE)).map_err(cannot)?;
    }
    let mut said = format!("{pack}: {} files locked in {}\n", text.lines().count(), path.display());
    if signed {
        said.push_str("its old signature was removed\n");
    }
    let _ = writeln!(said, "sign it with: minisign -S -m {}", path.display());
    Ok(said)
}

fn verify(given: &Packs) -> Result<String, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let opened = packs::open(given, &mut complaints);
    let Some(pack) = opened.first().filter(|_| complaints.is_empty()) else {
        return Err(complaints);
    };
    let mut text = format!("{pack}: {}\n", pack.manifest.title.in_lang("en"));
    let _ = writeln!(text, "  {} checks, {} profiles", pack.checks.len(), pack.profiles.len());
    let _ = writeln!(text, "  digest {}", pack.digest);
    let seal = match &pack.seal {
        Seal::None => "it has no lock: nothing says what its files were".to_owned(),
        Seal::Locked => "its lock holds; nobody has signed it".to_owned(),
        Seal::Stranger => {
            "its lock holds; it is signed by a key that is not trusted here".to_owned()
        }
        Seal::Signed { by, comment } => format!("its lock holds; signed by {by}: {comment}"),
    };
    let _ = writeln!(text, "  {seal}");
    Ok(text)
}
