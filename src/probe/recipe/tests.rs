//! Recipes against scripted peers.
