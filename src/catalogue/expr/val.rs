//! Values during evaluation: borrowed from the facts wherever that is possible.

use std::rc::Rc;
use std::sync::Arc;

use crate::model::moment::Moment;
use crate::model::outcome::Why;
use crate::model::value::{Level, List, Value};

/// A value that lives as long as the facts, the parameters and the check.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    /// Not known, and why.
    Unknown(&'a Why),
    Bool(bool),
    Int(i64),
    Text(&'a str),
    /// A text that was made here.
    Made(Arc<str>),
    Level(Level),
    Moment(Moment),
    List(Items<'a>),
    Record(&'a Arc<[Value]>),
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub(crate) enum Items<'a> {
    /// As the facts have them.
    Held(&'a List),
    /// Made here, by a filter, a map or a list that was written out.
    Made(Rc<Made<'a>>),
}

/// A list that was made during evaluation.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    pub(super) items: Vec<Val<'a>>,
    pub(super) unseen: Option<&'a Why>,
}

impl<'a> Items<'a> {
    /// How many were seen.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Held(list) => list.items.len(),
            Self::Made(made) => made.items.len(),
        }
    }

    /// The element of that number.
    pub(super) fn at(&self, number: usize) -> Option<Val<'a>> {
        match self {
            Self::Held(list) => list.items.get(number).map(Val::from),
            Self::Made(made) => made.items.get(number).cloned(),
        }
    }

    /// Why there may be more.
    pub(super) fn unseen(&self) -> Option<&'a Why> {
        match self {
            Self::Held(list) => list.unseen.as_ref(),
            Self::Made(made) => made.unseen,
        }
    }

    /// The elements that were seen.
    pub(super) fn iter(&self) -> impl Iterator<Item = Val<'a>> {
        (0..self.len()).filter_map(|number| self.at(number))
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Unknown(why) => Self::Unknown(why),
            Value::Bool(is) => Self::Bool(*is),
            Value::Int(number) => Self::Int(*number),
            Value::Text(text) => Self::Text(text),
            Value::Level(level) => Self::Level(*level),
            Value::Moment(moment) => Self::Moment(*moment),
            Value::List(list) => Self::List(Items::Held(list)),
            Value::Record(fields) => Self::Record(fields),
        }
    }
}

impl<'a> Val<'a> {
    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    /// Why it is not known, if it is not.
    pub(super) fn why(&self) -> Option<&'a Why> {
        match self {
            Self::Unknown(why) => Some(why),
            _ => None,
        }
    }

    /// The value for keeping.
    pub(crate) fn keep(&self) -> Value {
        match self {
            Self::Unknown(why) => Value::Unknown((*why).clone()),
            Self::Bool(is) => Value::Bool(*is),
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::text(*text),
            Self::Made(text) => Value::Text(Arc::clone(text)),
            Self::Level(level) => Value::Level(*level),
            Self::Moment(moment) => Value::Moment(*moment),
            Self::List(items) => Value::List(List {
                items: items.iter().map(|item| item.keep()).collect(),
                unseen: items.unseen().cloned(),
            }),
            Self::Record(fields) => Value::Record(Arc::clone(fields)),
        }
    }
}
