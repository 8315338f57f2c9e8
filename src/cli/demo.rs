//! `postern demo`: the embedded default, a weak vendor audited on loopback.
//!
//! Nothing here is special: it opens the vendor's doors, writes the files that an operator would write, and runs the
//! same scan that everybody runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use tokio::runtime::{Builder, Runtime};

use super::files::give_up;
use super::further::Further;
use super::library::Library;
use super::scan::Scan;
use super::{Exit, Globals};
use crate::demo::{Vendor, strangers};
use crate::engine::World;
use crate::model::complaint::Complaint;

/// Audit a deliberately weak vendor on this machine's loopback and write the report
///
/// The vendor runs inside this process: a booking site with an expired certificate, an administration page, a database
/// that nobody declared, a file server that tells its version, and a well-kept member portal for contrast. The audit
/// is a real one, through sockets, and needs no network. It ends with exit code 1: the vendor does not pass the gate.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  postern demo
  postern demo --out /tmp/review --lang zh-Hant
  postern judge postern-demo/book.jsonl        judges what the demo saw once more, without a network")]
pub(crate) struct Demo {
    /// The folder for the review, and for the vendor's inventory and profile
    #[arg(long, value_name = "DIR", default_value = "postern-demo", env = "POSTERN_OUT")]
    out: PathBuf,
    /// The report's languages [default: en,zh-Hant, or those of the words files]
    #[arg(long, value_name = "LANG", value_delimiter = ',', env = "POSTERN_LANG")]
    lang: Vec<String>,
    #[command(flatten)]
    further: Further,
}

/// The scan's own options, as if they had been typed.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Typed {
    #[command(flatten)]
    scan: Scan,
}

impl Demo {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let ready = self.open_doors().map_err(|error| {
            Complaint::nowhere(format!("the demo cannot begin: {error}")).help(
                "it needs a few free ports on loopback, and a folder that it may write (--out)",
            )
        });
        // The vendor's doors stay open until the audit has ended.
        let _vendor = match ready {
            Ok(vendor) => vendor,
            Err(complaint) => return give_up(globals, &[complaint]),
        };
        match Typed::try_parse_from(self.typed()) {
            Ok(typed) => typed.scan.run(globals),
            Err(error) => give_up(globals, &[Complaint::nowhere(error.to_string())]),
        }
    }

    /// Starts the vendor on a thread of its own, and writes what it declares.
    fn open_doors(&self) -> io::Result<(Vendor, Runtime)> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let vendor = runtime.block_on(Vendor::start((World::new("").now)()))?;
        self.write(&vendor)?;
        Ok((vendor, runtime))
    }

    /// The files that an operator would have.
    fn write(&self, vendor: &Vendor) -> io::Result<()> {
        let profiles = self.out.join("profiles");
        // Where the kernel has no such tables, no stranger is known, and one may show in the review.
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
            .map(|path| fs::read_to_string(path).unwrap_or_default());
        fs::create_dir_all(&profiles)?;
        // A folder with the demo's own profile holds an earlier demo: this one takes its place.
        if profiles.join("demo.yaml").exists() && self.out.join("book.jsonl").exists() {
            fs::remove_file(self.out.join("book.jsonl"))?;
        }
        fs::write(self.out.join("ca.pem"), vendor.authority_pem())?;
        fs::write(self.out.join("inventory.yaml"), vendor.inventory("ca.pem"))?;
        // What is built in can be read: a test holds that every check and profile loads.
        let baseline = Library::built_in()
            .0
            .profile("baseline")
            .map(|baseline| baseline.ports)
            .unwrap_or_default();
        fs::write(profiles.join("demo.yaml"), vendor.profile(&baseline, &strangers(&tables)))
    }

    /// Those asked for, else both that are built in. A words file is given to be read in its own language.
    fn languages(&self) -> String {
        match (self.lang.is_empty(), self.further.words.is_empty()) {
            (false, _) => self.lang.join(","),
            (true, true) => "en,zh-Hant".into(),
            (true, false) => String::new(),
        }
    }

    fn typed(&self) -> Vec<String> {
        let path = |inside: &str| Path::new(&self.out).join(inside).display().to_string();
        let words = [
            ("--inventory", path("inventory.yaml")),
            ("--profiles", path("profiles")),
            ("--profile", "demo".into()),
            ("--vantage", "outside".into()),
            ("--pace", "1000/s".into()),
            ("--lang", self.languages()),
            ("--out", self.out.display().to_string()),
        ];
        let files = self.further.words.iter().map(|path| ("--words", path.display().to_string()));
        let all = words.into_iter().chain(files);
        all.flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}
