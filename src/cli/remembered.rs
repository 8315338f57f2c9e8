//! Options as words in a book and back, so that a scan that was killed goes on as it was told to.

/// Moves options into a map of words and back, so that the list of those that a book keeps stands in one place.
macro_rules! remembered {
    ($options:ident { $($name:ident: $many:ident),+ $(,)? }) => {
        impl $options {
            /// The options as words, for the book; paths are made absolute, so that a scan can be resumed from anywhere.
            pub(crate) fn words(&self) -> std::collections::BTreeMap<String, Vec<String>> {
                use $crate::cli::remembered as of;
                let mut all = std::collections::BTreeMap::new();
                $(let words = of::$many::words(&self.$name);
                if !words.is_empty() {
                    all.insert(stringify!($name).to_owned(), words);
                })+
                all
            }

            /// The same with what was not given taken from a book.
            pub(crate) fn or(
                &self,
                book: &std::collections::BTreeMap<String, Vec<String>>,
            ) -> Result<Self, String> {
                use $crate::cli::remembered as of;
                let mut all = self.clone();
                $(let given = !of::$many::words(&self.$name).is_empty();
                if let (false, Some(words)) = (given, book.get(stringify!($name))) {
                    all.$name = of::$many::read(words)?;
                })+
                Ok(all)
            }
        }
    };
}
pub(crate) use remembered;

/// Options that are given once, as text.
#[expect(clippy::ref_option, reason = "called with the field as it stands, as its siblings are")]
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    pub(crate) fn words<T: Display>(value: &Option<T>) -> Vec<String> {
        value.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn read<T: FromStr>(words: &[String]) -> Result<Option<T>, String> {
        super::texts::read(words).map(|all: Vec<T>| all.into_iter().next())
    }
}

/// Options that may be given more than once, as text.
pub(crate) mod texts {
    use std::fmt::Display;
    use std::str::FromStr;

    pub(crate) fn words<T: Display>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn read<T: FromStr>(words: &[String]) -> Result<Vec<T>, String> {
        let one = |word: &String| word.parse().map_err(|_| format!("the book says `{word}`"));
        words.iter().map(one).collect()
    }
}

/// Options that are given or not.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "called with the field as it stands, as its siblings are"
)]
pub(crate) mod flag {
    pub(crate) fn words(given: &bool) -> Vec<String> {
        given.then(|| "yes".to_owned()).into_iter().collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "reads like its siblings")]
    pub(crate) fn read(words: &[String]) -> Result<bool, String> {
        Ok(!words.is_empty())
    }
}

/// Paths, made absolute.
pub(crate) mod paths {
    use std::path::{PathBuf, absolute};

    pub(crate) fn words(paths: &[PathBuf]) -> Vec<String> {
        let whole = paths.iter().map(|path| absolute(path).unwrap_or_else(|_| path.clone()));
        whole.map(|path| path.display().to_string()).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "reads like its siblings")]
    pub(crate) fn read(words: &[String]) -> Result<Vec<PathBuf>, String> {
        Ok(words.iter().map(PathBuf::from).collect())
    }
}

/// A path, made absolute.
#[expect(clippy::ref_option, reason = "called with the field as it stands, as its siblings are")]
pub(crate) mod path {
    use std::path::PathBuf;

    pub(crate) fn words(path: &Option<PathBuf>) -> Vec<String> {
        super::paths::words(path.as_slice())
    }

    pub(crate) fn read(words: &[String]) -> Result<Option<PathBuf>, String> {
        super::paths::read(words).map(|all| all.into_iter().next())
    }
}
