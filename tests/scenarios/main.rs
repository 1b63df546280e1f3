//! What each program does, told in its own terms; then what holds for all of them.

mod gw_tools;
