//! The strategies that are compared, by name.

use std::fmt;
use std::str::FromStr;

use crate::strategy::Update;
use crate::train::{Clustering, Sharing};

/// A strategy with a name of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    name: &'static str,
    /// How workers share the weights.
    pub sharing: Sharing,
}

/// Names that are understood, with what they stand for: those of the strategies, and of hogwild's updates.
const NAMES: [(&str, Sharing); 7] = [
    ("sequential", Sharing::Sequential),
    ("hogwild", Sharing::Hogwild(Update::Merged)),
    ("hogwild-wild", Sharing::Hogwild(Update::Wild)),
    ("hogwild-atomic", Sharing::Hogwild(Update::Atomic)),
    ("hogwild-split", Sharing::Hogwild(Update::Split)),
    (
        "hogwild++",
        Sharing::HogwildPlusPlus(Clustering {
            update: Update::Wild,
            clusters: crate::train::Clusters::Auto,
            update_delay: None,
            beta: None,
            lambda: None,
            pin: false,
        }),
    ),
    ("auto", Sharing::Auto),
];

impl Way {
    /// One thread without atomics: what all are compared with.
    pub const SEQUENTIAL: Way = Way { name: "sequential", sharing: Sharing::Sequential };

    /// All that differ from each other: `auto` is one of the others.
    pub fn all() -> Vec<Way> {
        let named = NAMES.into_iter().filter(|(_, sharing)| *sharing != Sharing::Auto);
        named.map(|(name, sharing)| Way { name, sharing }).collect()
    }

    /// The name that it is known by.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it can use more than one thread.
    pub fn is_parallel(self) -> bool {
        self.sharing != Sharing::Sequential
    }

    /// Whether its threads can be kept on one processor each.
    pub fn pins(self) -> bool {
        matches!(self.sharing, Sharing::Sequential | Sharing::Hogwild(_) | Sharing::HogwildPlusPlus(_))
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.into_iter().find(|(name, _)| *name == text);
        found.map(|(name, sharing)| Way { name, sharing }).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("no strategy has this name; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
