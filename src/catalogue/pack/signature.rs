//! Who vouches for a pack: minisign signatures (Ed25519) over its lock, and the keys that the operator trusts.

use std::sync::Arc;

use minisign_verify::{Error, PublicKey, Signature};

use crate::model::complaint::{Complaint, Source};
use crate::model::heard::shown;

/// A public key that the operator trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    public: PublicKey,
    /// What the operator calls it: the name of its file, or the beginning of the key.
    pub name: String,
}

impl Key {
    /// Reads a key: the text of a `.pub` file of minisign, or its second line alone.
    ///
    /// # Errors
    /// In words, why it is none.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let alone = PublicKey::from_base64(text);
        let public = alone.or_else(|_| PublicKey::decode(text)).map_err(|_| {
            "this is no public key of minisign: give its .pub file, or the line in it that begins with RW".to_owned()
        })?;
        Ok(Self { public, name: name.to_owned() })
    }
}

/// Who vouches for a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Nobody, and nothing says what its files were.
    None,
    /// Its files are what its lock says; nobody signed that.
    Locked,
    /// It is signed, by a key that is not trusted here.
    Stranger,
    /// It is signed by a trusted key.
    Signed {
        /// The key's name, as the operator gave it.
        by: String,
        /// What the signer wrote into the signature, itself signed.
        comment: String,
    },
}

impl Seal {
    /// Holds a signature against the bytes of a lock.
    pub(super) fn signed(
        text: &Arc<Source>,
        lock: &[u8],
        trusted: &[Key],
    ) -> Result<Self, Complaint> {
        let wrong = |title: &str| {
            let help = "do not use this pack; get it anew from its keeper";
            Err(Complaint::at(text, 0..0, title).help(help))
        };
        // A second signature behind the first is what other readers might take for it.
        if text.text.lines().count() > 4 || text.text.contains('\r') {
            return wrong("a signature has four lines, and this has more");
        }
        let Ok(signature) = Signature::decode(&text.text) else {
            return wrong("this is no signature of minisign");
        };
        for key in trusted {
            match key.public.verify(lock, &signature, false) {
                Ok(()) => {
                    let comment = shown(signature.trusted_comment());
                    return Ok(Self::Signed { by: key.name.clone(), comment });
                }
                Err(Error::UnexpectedKeyId) => {}
                Err(
                    Error::UnsupportedAlgorithm
                    | Error::UnexpectedAlgorithm
                    | Error::UnsupportedLegacyMode,
                ) => {
                    return wrong(
                        "this signature is of minisign's legacy form; sign again with a current minisign",
                    );
                }
                Err(_) => {
                    return wrong("the signature does not fit the lock: one of them was changed");
                }
            }
        }
        Ok(Self::Stranger)
    }

    /// The word for it, for people and machines.
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "unlocked",
            Self::Locked => "locked",
            Self::Stranger => "signed-by-stranger",
            Self::Signed { .. } => "signed",
        }
    }
}
