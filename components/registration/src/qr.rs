//! QR codes as SVG: a member's card, a link to enrol by, a link to bring a friend with.

use edge::Problem;
use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around a code, without which scanners do not find it (ISO/IEC 18004).
const BORDER: i32 = 4;

/// A text as a QR code that can still be read with an eighth of it covered.
///
/// # Errors
/// 422 for a text that no code holds: more than 2 331 bytes.
pub fn svg(text: &str) -> Result<String, Problem> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| Problem::new(422, "invalid_request", "The text is too long for a QR code"))?;
    let size = code.size() + 2 * BORDER;
    Ok(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{}"/></svg>"##,
        dark(&code)
    ))
}

/// The dark modules, row by row: each run of them is a rectangle.
fn dark(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let run = i32::try_from(run).unwrap_or_default();
            if run > 0 {
                path += &format!("M{} {}h{run}v1h-{run}z", x + BORDER, y + BORDER);
            }
            x += run.max(1);
        }
    }
    path
}
