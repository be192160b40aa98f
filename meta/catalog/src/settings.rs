//! Settings of the whole cluster: what there is, what it does, what it may be.

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// An integer in a range.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: SettingKind,
    /// Its value unless somebody sets another.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn integer(
    name: &'static str,
    min: u64,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        kind: SettingKind::Integer { min, max },
        default,
        help,
    }
}

/// All settings.
pub const SETTINGS: [Setting; 2] = [
    integer(
        "lease_ms",
        1_000,
        60_000,
        "3000",
        "How long a proxy may go on without reaching the metadata service before it counts as cut off.",
    ),
    integer(
        "fence_after_ms",
        5_000,
        86_400_000,
        "30000",
        "How long after its last sign of life a proxy's incarnation is fenced; it must register anew.",
    ),
];

/// A setting by name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.name == name)
}

impl Setting {
    /// Why a value cannot be.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let SettingKind::Integer { min, max } = self.kind;
        let fits = |n: u64| (min..=max).contains(&n);
        if value.parse().is_ok_and(fits) {
            return Ok(());
        }
        Err(format!(
            "{} must be an integer from {min} to {max}, not {value}",
            self.name
        ))
    }

    /// What it may be, for people.
    pub fn range(&self) -> String {
        let SettingKind::Integer { min, max } = self.kind;
        format!("{min} to {max}")
    }
}
