//! Whether two texts name the same person: people write one name in many ways, and whoever carries a risk must not be the
//! one who approves it.
//!
//! It compares what is written and knows nobody: `B. Wong` and `Betty Wong` stay two. It errs towards two people only where
//! the texts themselves differ in a name.

use std::collections::BTreeSet;

/// Words before or after a name that are no part of it.
const TITLES: [&str; 20] = [
    "dr",
    "doctor",
    "mr",
    "mister",
    "mrs",
    "ms",
    "miss",
    "mx",
    "prof",
    "professor",
    "sir",
    "madam",
    "ir",
    "rev",
    "hon",
    "the",
    "phd",
    "md",
    "rn",
    "jp",
];

/// Words that say what somebody does. What stands after a comma and has one of them is a role, else it is given names.
const ROLES: [&str; 31] = [
    "manager",
    "director",
    "officer",
    "head",
    "chief",
    "chair",
    "chairman",
    "chairperson",
    "lead",
    "leader",
    "engineer",
    "administrator",
    "admin",
    "secretary",
    "supervisor",
    "coordinator",
    "executive",
    "nurse",
    "president",
    "partner",
    "owner",
    "consultant",
    "analyst",
    "operations",
    "security",
    "it",
    "ceo",
    "cio",
    "ciso",
    "coo",
    "cto",
];

/// What stands after a name in Chinese and is no part of it.
const CHINESE_TITLES: [&str; 13] = [
    "先生",
    "女士",
    "小姐",
    "太太",
    "醫生",
    "博士",
    "教授",
    "護士",
    "經理",
    "主任",
    "總監",
    "主管",
    "工程師",
];

/// Whether two texts name the same person, whatever letters, spaces, titles, roles, order of names or address of mail they
/// are written with.
pub fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (Written::of(one), Written::of(other));
    let mail = one.mail.is_some() && one.mail == other.mail;
    mail || (!one.names.is_empty() && one.names == other.names)
}

/// A person as written.
struct Written {
    /// The parts of the name, in no order.
    names: BTreeSet<String>,
    /// The address of mail.
    mail: Option<String>,
}

impl Written {
    fn of(text: &str) -> Self {
        let plain: String = text.chars().flat_map(folded).collect();
        let mut mail = None;
        let mut kept = String::new();
        for word in plain.split_inclusive(|c: char| c.is_whitespace() || "<>()[],;".contains(c)) {
            let bare = word.trim_matches(|c: char| c.is_whitespace() || "<>()[],;:".contains(c));
            if bare.contains('@') {
                mail.get_or_insert_with(|| bare.trim_start_matches("mailto:").to_owned());
                // What parts the name from what follows still parts it.
                kept.extend(word.chars().filter(|c| ",;()".contains(*c)));
            } else {
                kept.push_str(word);
            }
        }
        let parts = kept.split([',', ';', '(', '[', '<']);
        let mut parts = parts.filter(|part| part.contains(char::is_alphanumeric));
        let first = words(parts.next().unwrap_or_default());
        let mut names: BTreeSet<String> = first.iter().cloned().collect();
        // `Chan, Tai Man`: a family name alone is followed by given names, unless by a role.
        if first.len() == 1
            && let Some(next) = parts.next()
            && !parts_of(next).iter().any(|word| is_role(word))
        {
            names.extend(words(next));
        }
        // Somebody known by an address alone has its first part for a name: `tai-man.chan@dhc.example`.
        if names.is_empty()
            && let Some((local, _)) = mail.as_deref().and_then(|mail| mail.split_once('@'))
        {
            names.extend(words(local));
        }
        Self { names, mail }
    }
}

/// Full-width forms as the plain ones, East Asian punctuation as ours, everything in small letters.
fn folded(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        '\u{3000}' => ' ',
        '、' => ',',
        '〈' | '《' => '<',
        '〉' | '》' => '>',
        other => other,
    };
    plain.to_lowercase()
}

/// The words of a name, without titles.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’');
    let words = parts.map(|word| {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        let mut name = plain.as_str();
        while let Some(rest) = CHINESE_TITLES
            .iter()
            .find_map(|title| name.strip_suffix(title))
            .filter(|rest| rest.chars().count() > 0)
        {
            name = rest;
        }
        name.to_owned()
    });
    let is_name = |word: &String| {
        !word.is_empty()
            && !TITLES.contains(&word.as_str())
            && !CHINESE_TITLES.contains(&word.as_str())
    };
    let names: Vec<String> = words.filter(is_name).collect();
    // A text that is nothing but titles (`The Professor`) is all the name there is.
    if names.is_empty() { parts_of(text) } else { names }
}

fn parts_of(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn is_role(word: &str) -> bool {
    ROLES.contains(&word) || CHINESE_TITLES.iter().any(|title| word.ends_with(title))
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn one_person_is_written_in_many_ways() {
        let same = [
            ("Lee", "  lee "),
            ("Tai Man Chan", "CHAN Tai Man"),
            ("Tai Man Chan", "Chan, Tai Man"),
            ("Tai-man Chan", "Chan Tai Man"),
            ("Dr Tai Man Chan", "Chan Tai Man, centre manager"),
            ("Dr. Tai Man Chan", "Tai Man Chan (Operations Manager)"),
            ("B. Wong", "b wong, IT manager"),
            ("Chan, IT manager", "Mr. Chan, head of operations"),
            ("Ｔａｉ　Ｍａｎ　Ｃｈａｎ", "tai man chan"),
            ("Tai Man Chan <tm.chan@dhc.example>", "Chan Tai Man"),
            ("Tai Man Chan <tm.chan@dhc.example>", "T. M. Chan <TM.Chan@DHC.example>"),
            ("Tai Man Chan <tm.chan@dhc.example>, manager", "tm.chan@dhc.example"),
            ("tai-man.chan@dhc.example", "Tai Man Chan"),
            ("Sean O’Brien", "O'Brien Sean"),
            ("陳大文", "陳大文 先生"),
            ("陳大文先生", "陳大文，營運經理"),
            ("陳大文（中心經理）", "陳大文博士"),
            ("The Professor", "the professor"),
        ];
        for (one, other) in same {
            assert!(is_same(one, other) && is_same(other, one), "{one} is {other}");
        }
    }

    #[test]
    fn two_people_stay_two() {
        let differing = [
            ("Lee", "Chan"),
            ("Chan, Tai Man", "Chan, Siu Ming"),
            ("Chan, Tai Man", "Chan Siu Ming"),
            ("B. Wong, manager", "C. Wong, manager"),
            ("B. Wong", "Betty Wong"),
            ("Dr Lee", "Dr Chan"),
            ("Lee <lee@dhc.example>", "Chan <chan@dhc.example>"),
            ("陳大文", "陳小文"),
            ("陳經理", "李經理"),
            ("IT manager", "centre manager"),
            ("", ""),
        ];
        for (one, other) in differing {
            assert!(!is_same(one, other) && !is_same(other, one), "{one} is not {other}");
        }
    }
}
