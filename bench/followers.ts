/** Many who follow, in a process of their own; its parent's side is in followerProcess.ts. */
import { toFollowers, type FollowersSay } from './followerProcess.ts';
import { follow } from './rawFollower.ts';

/** How many connect at once. */
const AT_ONCE = 50;

let count = 0;
let waitsFor = '';
let arrived = 0;
let alike = true;
let first: Buffer | undefined;

process.once('disconnect', () => process.exit());
process.on('message', (message) => void obey(message));

async function obey(message: unknown): Promise<void> {
  const order = toFollowers.parse(message);
  if ('expect' in order) {
    waitsFor = order.expect;
    arrived = 0;
    alike = true;
    first = undefined;
    return say({ expecting: true });
  }
  ({ count } = order);
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    await Promise.all(
      Array.from(
        { length: Math.min(AT_ONCE, count - opened) },
        () =>
          new Promise<void>((resolve, reject) => {
            // What nothing is asked on is there when its greeting comes, the others with how things are now.
            follow(
              order.followed,
              (said) => {
                resolve();
                hear(said);
              },
              (why) => {
                console.error(`A follower ended: ${why}`);
                reject(new Error(why));
                process.exit(1);
              },
            );
          }),
      ),
    );
  }
  say({ open: count });
}

function hear(message: Buffer): void {
  if (waitsFor === '' || !message.includes(waitsFor)) return;
  if (first === undefined) first = Buffer.from(message);
  else if (!first.equals(message)) alike = false;
  arrived += 1;
  if (arrived === count) {
    say({ allAt: performance.timeOrigin + performance.now(), alike, message: first.toString() });
  }
}

function say(what: FollowersSay): void {
  process.send?.(what);
}
