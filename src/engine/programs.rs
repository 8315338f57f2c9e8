//! Plug-ins: the bytes that were allowed, kept where nobody else writes, and the one place where a program is started.
//!
//! A program is given one line and is heard as long and as much as its configuration says; then it is ended with all of
//! its process group, whoever still runs there. What it sends by itself passes no door of ours: its permit, its turns and
//! its rows in the audit log are taken before it starts, for as much as it declares.

mod run;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dial::announce;
use super::doors::StepDoors;
use super::gate::Ticket;
use super::pace::Kind;
use super::world::nonce;
use crate::model::digest::Digest;
use crate::model::net::Transport;
use crate::plugins::Plugin;
use crate::scope::Want;
use crate::talk::{Ran, Unopened};

/// The largest program, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A plug-in with the bytes of its program, as they were read once.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is allowed.
    pub plugin: Arc<Plugin>,
    bytes: Vec<u8>,
}

impl Program {
    /// Reads the program of a plug-in.
    ///
    /// # Errors
    /// In words, when it cannot be read or is not the one that is allowed.
    pub fn read(plugin: Arc<Plugin>) -> Result<Self, String> {
        let bytes = read(&plugin.program).map_err(|wrong| format!("it cannot be read: {wrong}"))?;
        let digest = Digest::of(&bytes);
        if digest != plugin.sha256 {
            let told = format!("its SHA-256 is {digest}");
            return Err(told);
        }
        Ok(Self { plugin, bytes })
    }
}

/// The bytes of a regular file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if about.len() > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    fs::read(path)
}

/// The programs that a scan may start, copied into a folder of its own; the folder goes when this does.
#[derive(Debug, Default)]
pub struct Programs {
    folder: Option<PathBuf>,
    copies: BTreeMap<String, PathBuf>,
}

impl Programs {
    /// Copies the verified bytes to where only this user reads, writes and starts them.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(programs: &[Program]) -> io::Result<Self> {
        if programs.is_empty() {
            return Ok(Self::default());
        }
        let folder = std::env::temp_dir().join(format!("postern-plugins-{}", nonce()));
        // A folder that is there already, or a link, is somebody else's: this fails then.
        DirBuilder::new().mode(0o700).create(&folder)?;
        let mut kept = Self { folder: Some(folder.clone()), copies: BTreeMap::new() };
        for Program { plugin, bytes } in programs {
            let path = folder.join(&plugin.name);
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o500).open(&path)?;
            file.write_all(bytes)?;
            kept.copies.insert(plugin.name.clone(), path);
        }
        Ok(kept)
    }

    /// The copy to start, looked at once more: it and the file that it was made of must be what is allowed.
    fn verified(&self, plugin: &Plugin) -> Result<&Path, Unopened> {
        let name = &plugin.name;
        let Some(copy) = self.copies.get(name) else {
            return Err(Unopened::Refused(format!("no plug-in {name} is allowed in this scan")));
        };
        let is = |path: &Path| read(path).is_ok_and(|bytes| Digest::of(&bytes) == plugin.sha256);
        if is(copy) && is(&plugin.program) {
            return Ok(copy);
        }
        Err(Unopened::Refused(format!(
            "the program of the plug-in {name} is no longer the one that the configuration allows"
        )))
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Starts a plug-in on the doors' spot, once the scope and the pace have made room for all that it declares.
///
/// # Errors
/// `Refused` by the scope, or because the program is not the one that is allowed; `Spent`, `Stopped`, or `Ours`.
pub(super) async fn run(doors: &StepDoors, plugin: &Plugin, line: &str) -> Result<Ran, Unopened> {
    let programs = &doors.gate.world.programs;
    programs.verified(plugin)?;
    let _held = turns(doors, plugin).await?;
    doors.in_time()?;
    let program = programs.verified(plugin)?;
    run::run(program, plugin, line, &doors.gate.stop).await
}

/// Takes a turn for each packet that the plug-in declares, and writes each into the audit log. One place at a time is
/// held: whoever holds some and waits for more could wait for ever. The last stays held while the program runs.
async fn turns(doors: &StepDoors, plugin: &Plugin) -> Result<Option<Ticket>, Unopened> {
    let (Some(address), Some((_, port))) = (doors.spot.address, doors.spot.service) else {
        return Err(Unopened::Ours("the spot is no service".into()));
    };
    let tcp = doors.want(address, doors.origin, port);
    let udp = Want { transport: Transport::Udp, ..tcp.clone() };
    doors.allowed(&tcp)?;
    let datagrams = (Kind::Datagram, plugin.bound.datagrams, &udp);
    let connections = (Kind::Connection, plugin.bound.connections, &tcp);
    let mut held = None;
    for (kind, times, want) in [datagrams, connections] {
        for _ in 0..times {
            doors.in_time()?;
            match kind {
                Kind::Datagram => doors.budget.datagram()?,
                Kind::Connection | Kind::Attempt => doors.budget.connection()?,
            }
            drop(held.take());
            let mut ticket = doors.turn(address, kind).await?;
            let permit = doors.gate.scope.permit(want, doors.gate.now());
            let permit = permit.map_err(|refusal| doors.gate.refused(Some(want), refusal))?;
            announce(&doors.gate, permit, doors.step.id, &plugin.name)?;
            ticket.sent();
            held = Some(ticket);
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests;
