import { InvalidInputError, ProviderError } from './errors.ts';
import type { Provider, Providers } from './providers/port.ts';

/** The provider of that name, the default one without a name. Throws InvalidInputError, which names those there are. */
export function requireProvider(
  providers: Providers,
  name: string | null | undefined,
  field: string,
): Provider {
  if (name == null) return providers.default;
  const provider = providers.get(name);
  if (provider) return provider;
  const message = `must be one of ${providers.names().join(', ')}, not ${name.slice(0, 80)}`;
  throw new InvalidInputError([{ field, message }]);
}

/** The provider that something was done with before. Throws ProviderError with `message` when this server lost access to it. */
export function configuredProvider(providers: Providers, name: string, message: string): Provider {
  const provider = providers.get(name);
  if (provider) return provider;
  throw new ProviderError('PROVIDER_NOT_CONFIGURED', message, true);
}
