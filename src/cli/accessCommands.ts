/** The commands that say who may sign in: keys and tenants. They work on the database, as the server is set up to. */
import { Option, type Command } from 'commander';
import type { CreateKeyOptions, KeysOptions } from './keys.ts';
import { duration, role, tenantName } from './options.ts';
import type { TenantsOptions } from './tenants.ts';

const tenantOption = () =>
  new Option('--tenant <tenant>', 'the tenant’s name or id; the default one when left out');

const WHERE = `
It works on the database that DATABASE_URL names, or that is embedded in DATA_DIR; of an embedded one the server
must be stopped meanwhile.`;

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke the API keys that programs sign in with');
  keys
    .command('create')
    .description('make a key, and print it: this once')
    .requiredOption('--name <name>', 'what it is for; what is done with it is recorded under this name')
    .addOption(
      new Option('--role <role>', 'what may be done with it: VIEWER, REVIEWER, EDITOR or ADMIN')
        .argParser(role)
        .makeOptionMandatory(),
    )
    .option(
      '--expires <time>',
      'how long it is good, such as 90d, 12h or 4w; without end when left out',
      duration,
    )
    .addOption(tenantOption())
    .option('--json', 'print the key with what is known of it as a JSON object')
    .addHelpText(
      'after',
      `${WHERE}

Standard output has the key alone; the server keeps only its hash.

Example:
  $ export TUNESMITH_API_KEY=$(tunesmith keys create --name laptop --role ADMIN --expires 90d)`,
    )
    .action(async (options: CreateKeyOptions) => (await import('./keys.ts')).createKey(options));
  keys
    .command('list')
    .description('list the keys, the newest first: what they begin with, role, state, last use')
    .addOption(tenantOption())
    .option('--json', 'print JSON')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ tunesmith keys list`)
    .action(async (options: KeysOptions) => (await import('./keys.ts')).listKeys(options));
  keys
    .command('revoke')
    .description('end a key; servers refuse it, and close its connections, within seconds')
    .argument('<prefix>', 'what it begins with, as "tunesmith keys list" tells')
    .addOption(tenantOption())
    .option('--json', 'print JSON')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ tunesmith keys revoke tsk_0a1b2c3d`)
    .action(async (prefix: string, options: KeysOptions) =>
      (await import('./keys.ts')).revokeKey(prefix, options),
    );
}

export function addTenants(program: Command): void {
  const tenants = program
    .command('tenants')
    .description('make and list tenants, who share a server and see nothing of each other');
  tenants
    .command('create')
    .description('make a tenant, and print its id')
    .argument('<name>', 'its name, which no other has', tenantName)
    .option('--json', 'print JSON')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ tunesmith tenants create "Acme"`)
    .action(async (name: string, options: TenantsOptions) =>
      (await import('./tenants.ts')).makeTenant(name, options),
    );
  tenants
    .command('list')
    .description('list the tenants, the oldest first')
    .option('--json', 'print JSON')
    .addHelpText('after', `${WHERE}\n\nExample:\n  $ tunesmith tenants list`)
    .action(async (options: TenantsOptions) => (await import('./tenants.ts')).showTenants(options));
}
