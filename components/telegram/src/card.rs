//! A member's card as a picture: the QR code that a till scans, as PNG, because Telegram shows no SVG.

use png::{BitDepth, ColorType, Encoder};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::problem::Problem;

/// Light modules around a code, without which scanners do not find it (ISO/IEC 18004).
const BORDER: i32 = 4;

/// Pixels of a module's side: a code of 21 modules is 348 pixels wide.
const SCALE: i32 = 12;

/// A text as a QR code that can still be read with an eighth of it covered.
///
/// # Errors
/// 500 for a text that no code holds: more than 2 331 bytes, which no card and no id has.
pub fn picture(text: &str) -> Result<Vec<u8>, Problem> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(|_| failed("the text is too long"))?;
    let side = (code.size() + 2 * BORDER) * SCALE;
    let pixels = u32::try_from(side).map_err(|_| failed("it is too large"))?;
    let mut picture = Vec::new();
    let mut encoder = Encoder::new(&mut picture, pixels, pixels);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let rows: Vec<u8> = (0..side).flat_map(|y| row(&code, y, side)).collect();
    let mut writer = encoder.write_header().map_err(|error| failed(&error.to_string()))?;
    writer.write_image_data(&rows).map_err(|error| failed(&error.to_string()))?;
    writer.finish().map_err(|error| failed(&error.to_string()))?;
    Ok(picture)
}

/// A row of pixels, eight in a byte, light ones are 1.
fn row(code: &QrCode, y: i32, side: i32) -> impl Iterator<Item = u8> {
    // outside of the code every module is light
    let module = |pixel: i32| pixel / SCALE - BORDER;
    let light = move |x: i32| u8::from(x < side && !code.get_module(module(x), module(y)));
    (0..side).step_by(8).map(move |x| (x..x + 8).fold(0, |byte, x| byte << 1 | light(x)))
}

fn failed(why: &str) -> Problem {
    Problem::new(500, "internal_error", format!("The picture of a card can't be made: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_the_code_s_modules_within_a_light_border() {
        let text = "mem_1a6bcb8c02876948";
        let picture = picture(text).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let side = (code.size() + 2 * BORDER) * SCALE;
        assert_eq!((info.width, info.height), (side.unsigned_abs(), side.unsigned_abs()));
        for y in 0..side {
            for x in 0..side {
                let byte = pixels[y as usize * info.line_size + x as usize / 8];
                let light = byte >> (7 - x % 8) & 1 == 1;
                assert_eq!(light, !code.get_module(x / SCALE - BORDER, y / SCALE - BORDER), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_text_that_no_code_holds_is_refused() {
        assert_eq!(picture(&"x".repeat(3_000)).unwrap_err().status, 500);
    }
}
