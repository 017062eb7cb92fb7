//! QR codes (ISO/IEC 18004) drawn with half blocks, two modules of a column to a character, for a phone that is held
//! against the terminal.
//!
//! The caller prints the drawing.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use thiserror::Error;

/// White characters on a black ground, whatever palette the terminal has: the fixed ones of 256 colours.
const WHITE_ON_BLACK: &str = "\x1b[38;5;231;48;5;16m";

/// Resets the colours of the terminal.
const DEFAULT_COLOURS: &str = "\x1b[0m";

/// A QR code as lines of text.
#[derive(Debug)]
pub struct Drawing {
    lines: Vec<String>,
}

/// The medium of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A terminal: with the colours that a camera expects.
    Terminal,
    /// A file or a pipe: no colours. The code is readable if characters are lighter than their background.
    Plain,
}

/// No QR code can hold this much: the largest holds 2,953 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a QR code cannot hold {0} bytes")]
pub struct TooLong(usize);

impl Drawing {
    /// The QR code of a text, with the low level of error correction: a screen has no stains, and a small code fits on
    /// it.
    ///
    /// # Errors
    /// The text is too long.
    pub fn of(text: &str) -> Result<Self, TooLong> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L);
        let code = code.map_err(|_| TooLong(text.len()))?;
        // The crate draws dark modules as set characters; here the light modules are set.
        let drawn = code
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .quiet_zone(true)
            .build();
        Ok(Self {
            lines: drawn.lines().map(str::to_owned).collect(),
        })
    }

    /// Its width in columns, with the quiet zone.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.lines.first().map_or(0, |line| line.chars().count())
    }

    /// The lines, each with its newline.
    #[must_use]
    pub fn render(&self, ground: Ground) -> String {
        let (before, after) = match ground {
            Ground::Terminal => (WHITE_ON_BLACK, DEFAULT_COLOURS),
            Ground::Plain => ("", ""),
        };
        let mut text = String::new();
        for line in &self.lines {
            text.extend([before, line, after, "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use qrcode::Color;

    use super::*;

    /// Modules from the top left, without the quiet zone; whether each is dark.
    fn modules(drawing: &Drawing) -> Vec<bool> {
        let width = drawing.columns();
        let mut rows = Vec::new();
        for line in drawing.render(Ground::Plain).lines() {
            let halves = line.chars().map(|character| match character {
                ' ' => (true, true),
                '\u{2580}' => (false, true),
                '\u{2584}' => (true, false),
                '\u{2588}' => (false, false),
                other => panic!("{other:?}"),
            });
            let (upper, lower): (Vec<_>, Vec<_>) = halves.unzip();
            rows.extend([upper, lower]);
        }
        let quiet = 4;
        for row in &rows[..quiet] {
            assert!(row.iter().all(|is_dark| !is_dark));
        }
        let rows = &rows[quiet..width - quiet];
        rows.iter()
            .flat_map(|row| row[quiet..width - quiet].to_vec())
            .collect()
    }

    #[test]
    fn drawing_has_the_modules_of_the_code() {
        let long = "k".repeat(2_953);
        for text in ["", "a", "http://192.168.178.100:8000", "caf\u{e9}", &long] {
            let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
            let drawing = Drawing::of(text).unwrap();
            assert_eq!(drawing.columns(), code.width() + 8);
            let expected = code.to_colors().into_iter().map(|c| c == Color::Dark);
            assert_eq!(modules(&drawing), expected.collect::<Vec<_>>());
        }
    }

    /// zbarimg(1) reads this one.
    #[test]
    fn address_of_a_network_takes_few_columns() {
        let drawing = Drawing::of("http://192.168.1.20:8000").unwrap();
        let expected = "\
█████████████████████████████████
█████████████████████████████████
████ ▄▄▄▄▄ █▀▀ ██▀█  █ ▄▄▄▄▄ ████
████ █   █ █▄▀██▀██▄██ █   █ ████
████ █▄▄▄█ █ ▄ █  ▀ ▀█ █▄▄▄█ ████
████▄▄▄▄▄▄▄█ █ ▀▄█▄▀ █▄▄▄▄▄▄▄████
████ ▄▀ ██▄ ▀▀█  ▄▀███  ▄█▄▄▀████
████▀▄▀█▀▀▄█▄▀▀  ▀ █▀█ ▀▄██▄▄████
█████▀▄ ▄█▄███▄ ██ ▄ ▀ ▄█ ▀▄ ████
████▄▀█▄▄█▄▀ █▀ █▀█▀▄▀▀ █▀▄▀▄████
████▄▄▄▄▄█▄█▀▀ █  ▄▄ ▄▄▄   █▀████
████ ▄▄▄▄▄ █▄▄█▄ ▄   █▄█ ▀▀ ▄████
████ █   █ █▀ █▀▄ █▀  ▄▄ █▀█▄████
████ █▄▄▄█ █▀▀▄█▄  ▄▀▄█▄▄ ▄█▄████
████▄▄▄▄▄▄▄█▄▄██▄█▄█▄▄▄▄███▄▄████
█████████████████████████████████
▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
";
        assert_eq!(drawing.render(Ground::Plain), expected);
    }

    #[test]
    fn terminal_gets_black_and_white() {
        let drawing = Drawing::of("a").unwrap();
        let plain = drawing.render(Ground::Plain);
        let coloured = drawing.render(Ground::Terminal);
        assert_eq!(plain.lines().count(), coloured.lines().count());
        for (plain, coloured) in plain.lines().zip(coloured.lines()) {
            assert_eq!(coloured, format!("\x1b[38;5;231;48;5;16m{plain}\x1b[0m"));
        }
    }

    #[test]
    fn too_much_text_is_an_error() {
        let error = Drawing::of(&"k".repeat(2_954)).unwrap_err();
        assert_eq!(error.to_string(), "a QR code cannot hold 2954 bytes");
    }
}
