"""Cloudflare R2, S3 and Supabase Storage: one protocol, three sets of settings."""
