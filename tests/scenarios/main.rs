//! What each program does, told in its own terms; then what holds for all of them.

mod abm;
mod cave;
mod discount_levels;
mod dodo;
mod estilo;
mod estilo_calendar;
mod fixed;
mod green_house;
mod gw_tools;
mod lacy_bird;
mod leonardo;
mod madrobots;
mod ozon_premium;
mod progressive;
mod return_guard;
mod segmented;
mod sela;
mod toy69;

mod between;
mod components;
mod concurrency;
mod confirmation;
mod faults;
mod holds;
mod hosted;
mod keys;
mod languages;
mod life;
