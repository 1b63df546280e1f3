//! The ready-made programs, by name: real programs as plain documents, each the answer to one row of the requirements.

/// Name and document of each preset.
pub const PRESETS: [(&str, &str); 11] = [
    ("gw-tools", include_str!("../presets/gw-tools.json")),
    ("sela", include_str!("../presets/sela.json")),
    ("estilo", include_str!("../presets/estilo.json")),
    ("estilo-calendar", include_str!("../presets/estilo-calendar.json")),
    ("toy69", include_str!("../presets/toy69.json")),
    ("madrobots", include_str!("../presets/madrobots.json")),
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
