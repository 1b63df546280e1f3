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
    Settle,
    AdjustIn,
    AdjustOut,
    TransferOut,
    TransferIn,
    MergeOut,
    MergeIn,
    Referral,
    ReferralClawback,
}

impl Kind {
    /// All that the ledger plans; the store's own job adds `expire`.
    pub const ALL: [Self; 15] = [
        Self::Earn,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::RedemptionRollback,
        Self::Clawback,
        Self::Settle,
        Self::AdjustIn,
        Self::AdjustOut,
        Self::TransferOut,
        Self::TransferIn,
        Self::MergeOut,
        Self::MergeIn,
        Self::Referral,
        Self::ReferralClawback,
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
            Self::Settle => "settle",
            Self::AdjustIn => "adjust_in",
            Self::AdjustOut => "adjust_out",
            Self::TransferOut => "transfer_out",
            Self::TransferIn => "transfer_in",
            Self::MergeOut => "merge_out",
            Self::MergeIn => "merge_in",
            Self::Referral => "referral",
            Self::ReferralClawback => "referral_clawback",
        }
    }

    /// How one point changes (remaining, held, earned, redeemed). A merge moves what was held, earned and redeemed with its
    /// lots, not with its points.
    #[must_use]
    pub fn effect(self) -> (i64, i64, i64, i64) {
        match self {
            Self::Earn | Self::AdjustIn | Self::TransferIn | Self::Referral => (1, 0, 1, 0),
            Self::Hold => (-1, 1, 0, 0),
            Self::Capture => (0, -1, 0, 1),
            Self::Release => (1, -1, 0, 0),
            Self::RedemptionRollback => (1, 0, 0, -1),
            Self::Clawback | Self::Settle | Self::AdjustOut | Self::TransferOut | Self::ReferralClawback => (-1, 0, -1, 0),
            Self::MergeOut => (-1, 0, 0, 0),
            Self::MergeIn => (1, 0, 0, 0),
        }
    }
}
