-- Where the request came from. Null for what the server did by itself, and for entries from before.
ALTER TABLE "audit_entries" ADD COLUMN "address" TEXT;
