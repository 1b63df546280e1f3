//! The ready-made programs, by name: real programs as plain documents, each the answer to one row of the requirements.

/// Name and document of each preset.
pub const PRESETS: [(&str, &str); 18] = [
    ("gw-tools", include_str!("../presets/gw-tools.json")),
    ("sela", include_str!("../presets/sela.json")),
    ("estilo", include_str!("../presets/estilo.json")),
    ("estilo-calendar", include_str!("../presets/estilo-calendar.json")),
    ("toy69", include_str!("../presets/toy69.json")),
    ("madrobots", include_str!("../presets/madrobots.json")),
    ("leonardo", include_str!("../presets/leonardo.json")),
    ("cave", include_str!("../presets/cave.json")),
    ("dodo", include_str!("../presets/dodo.json")),
    ("ozon-premium", include_str!("../presets/ozon-premium.json")),
    ("green-house", include_str!("../presets/green-house.json")),
    ("lacy-bird", include_str!("../presets/lacy-bird.json")),
    ("discount-levels", include_str!("../presets/discount-levels.json")),
    ("progressive", include_str!("../presets/progressive.json")),
    ("fixed", include_str!("../presets/fixed.json")),
    ("segmented", include_str!("../presets/segmented.json")),
    ("abm", include_str!("../presets/abm.json")),
    ("return-guard", include_str!("../presets/return-guard.json")),
];

/// The document of the preset with this name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, document)| *document)
}
