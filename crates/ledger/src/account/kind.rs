//! The kinds of entries, and what each does to an account's totals.

/// The kinds of entries; the table `kind` of the store says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Earn,
    Hold,
    Capture,
    Release,
    RedemptionRollback,
    Clawback,
    AdjustIn,
    AdjustOut,
}

impl Kind {
    /// All that the ledger plans; the store's own job adds `expire`.
    pub const ALL: [Self; 8] = [
        Self::Earn,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::RedemptionRollback,
        Self::Clawback,
        Self::AdjustIn,
        Self::AdjustOut,
    ];

    /// Its key in the table `kind`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::RedemptionRollback => "redemption_rollback",
            Self::Clawback => "clawback",
            Self::AdjustIn => "adjust_in",
            Self::AdjustOut => "adjust_out",
        }
    }

    /// How one point changes (remaining, held, earned, redeemed).
    #[must_use]
    pub fn effect(self) -> (i64, i64, i64, i64) {
        match self {
            Self::Earn | Self::AdjustIn => (1, 0, 1, 0),
            Self::Hold => (-1, 1, 0, 0),
            Self::Capture => (0, -1, 0, 1),
            Self::Release => (1, -1, 0, 0),
            Self::RedemptionRollback => (1, 0, 0, -1),
            Self::Clawback | Self::AdjustOut => (-1, 0, -1, 0),
        }
    }
}
