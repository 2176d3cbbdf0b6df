-- Access tokens may name the tenant by its name.
-- CreateIndex
CREATE UNIQUE INDEX "tenants_name_key" ON "tenants"("name");

-- CreateEnum
CREATE TYPE "viewer_role" AS ENUM ('VIEWER', 'REVIEWER', 'EDITOR', 'ADMIN');

-- CreateTable
CREATE TABLE "api_keys" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "role" "viewer_role" NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_sha256_key" ON "api_keys"("sha256");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_created_at_id_idx" ON "api_keys"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_tenant_id_id_key" ON "api_keys"("tenant_id", "id");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_keys TO tunesmith_app USING (tenant_id = (SELECT current_tenant()))
  WITH CHECK (tenant_id = (SELECT current_tenant()));
-- A key that was is kept, so that what was done with it stays explained.
GRANT SELECT, INSERT ON api_keys TO tunesmith_app;
GRANT UPDATE (revoked_at) ON api_keys TO tunesmith_app;
-- Whose a key is, is found out before there is a tenant.
CREATE POLICY system ON api_keys TO tunesmith_system USING (true);
GRANT SELECT ON api_keys TO tunesmith_system;
GRANT UPDATE (last_used_at) ON api_keys TO tunesmith_system;

-- What is done with a key is recorded under its name, so no two that are good have the same.
CREATE UNIQUE INDEX api_keys_good_name ON api_keys (tenant_id, name) WHERE revoked_at IS NULL;
