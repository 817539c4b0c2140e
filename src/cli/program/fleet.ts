import { type Command, Option } from 'commander';
import {
  fleetUrl,
  httpOrigin,
  identityKey,
  listenAddress,
  names,
  orNone,
  quietHours,
  role,
  several,
} from '../arguments/fleet.ts';
import { delayOrNever, price, wholeNumber } from '../arguments/options.ts';
import { byteSize, region, storageStyle } from '../arguments/storage.ts';
import { ASKING_MINUTES, examples, json, type Runs, timeout } from './shared.ts';

/** A fleet: its server, its people, and the way to it. */
export function addFleet(program: Command, runs: Runs): void {
  const serve = json(program.command('serve'))
    .enablePositionalOptions()
    .summary('serve a fleet: pods that several people share, kept by an always-on machine')
    .description(
      'Serves a fleet from this machine until it is ended: its pods are kept by Restate, an engine that goes on through crashes and restarts, and members reach them through a gateway, each with a token of their own. They never see the RunPod key.',
    )
    .addOption(
      new Option(
        '--listen <address>',
        'where the gateway listens; without a certificate, only on this machine',
      )
        .argParser(listenAddress)
        .default({ host: '127.0.0.1', port: 7433 }, '127.0.0.1:7433'),
    )
    .option('--cert <file>', 'certificate for HTTPS, with what it is signed by (PEM)')
    .option('--cert-key <file>', 'its private key (PEM)')
    .addOption(
      new Option('--url <url>', 'where members reach it, behind a proxy or under a name').argParser(fleetUrl),
    )
    .addOption(
      new Option(
        '--restate <url>',
        'a cluster of Restate’s that is there, instead of a server of its own: where calls go in; repeat it for each node',
      ).argParser(several(httpOrigin)),
    )
    .addOption(
      new Option(
        '--restate-admin <url>',
        'where it is managed (default: the same hosts, port 9070)',
      ).argParser(several(httpOrigin)),
    )
    .addOption(
      new Option('--restate-identity <key>', 'the key its nodes sign with, publickeyv1_…').argParser(
        several(identityKey),
      ),
    )
    .addOption(
      new Option(
        '--worker <address>',
        'where its nodes reach this machine (default: on this machine only)',
      ).argParser(listenAddress),
    )
    .option('--install', "have npm put Restate's server into AUTOPOD_HOME, about 225 MB, and end")
    .option('--unit', 'print a unit for systemd, and end')
    .addHelpText(
      'after',
      examples([
        'autopod serve --install',
        'autopod serve',
        'autopod serve --listen 0.0.0.0:7433 --cert fullchain.pem --cert-key key.pem --url https://pods.example.org:7433',
        'autopod serve invite ann --role member',
        'autopod serve --unit > /etc/systemd/system/autopod.service',
      ]),
    )
    .action(runs(async () => (await import('../commands/serve.ts')).serve));

  json(serve.command('invite').argument('<name>', 'small letters, digits, dots and dashes'))
    .summary('print one line with which somebody logs in; again for another machine of theirs')
    .addOption(
      new Option('--role <role>', 'viewer (sees), member (uses pods), admin (ends others’ pods, too)')
        .argParser(role)
        .default('member'),
    )
    .action(runs(async () => (await import('../commands/serve-people.ts')).invite));

  json(serve.command('remove').argument('<name>', 'as in `autopod serve people`'))
    .summary('take back all that somebody logs in with, at once')
    .action(runs(async () => (await import('../commands/serve-people.ts')).remove));

  json(serve.command('people'))
    .summary('who may use the fleet')
    .action(runs(async () => (await import('../commands/serve-people.ts')).people));

  json(serve.command('limits').argument('[name]', 'of one person (default: of each)'))
    .summary('what members may spend and when pods are stopped by themselves; without options, shows it')
    .description(
      'Shows or changes what each member may run and spend, beside the limits of the whole account in config.json, and when pods are stopped by themselves. A pod counts for whoever had it made. Changes hold at once and stand in the journal.',
    )
    .option('--team <name>', 'of a team: what its members have together')
    .addOption(
      new Option('--members <names>', 'who the team is, such as ann,bob; "" ends it').argParser(names),
    )
    .addOption(
      new Option('--max-pods <n>', 'pods that run at a time, or "none"').argParser(orNone(wholeNumber(1))),
    )
    .addOption(
      new Option('--max-per-hour <usd>', 'USD per hour of what runs, or "none"').argParser(orNone(price)),
    )
    .addOption(new Option('--max-per-day <usd>', 'USD per day (UTC), or "none"').argParser(orNone(price)))
    .addOption(
      new Option('--idle-stop <duration>', 'stop any pod that nobody used for so long, or "never"').argParser(
        delayOrNever,
      ),
    )
    .addOption(
      new Option(
        '--quiet-hours <from-until>',
        'such as 22:00-07:00: no pod is started then, those that run are stopped once they have no job; or "never"',
      ).argParser(quietHours),
    )
    .option('--time-zone <zone>', 'of the quiet hours, such as Europe/Berlin (default: the server’s)')
    .addHelpText(
      'after',
      examples([
        'autopod serve limits --max-per-hour 2 --max-per-day 20 --idle-stop 45m',
        'autopod serve limits ann --max-per-day 60',
        'autopod serve limits --team portraits --members ann,bob --max-per-hour 5',
        'autopod serve limits --quiet-hours 22:00-07:00 --time-zone Europe/Berlin',
      ]),
    )
    .action(runs(async () => (await import('../commands/serve-limits.ts')).limits));

  json(serve.command('storage').argument('[where]', 's3://BUCKET/PREFIX, or disk'))
    .summary('where files of jobs are kept, how long, and whose they are; without options, shows it')
    .description(
      'Shows or changes where the server keeps what jobs have made: on its disk, or in a bucket that speaks S3 (AWS, Cloudflare R2, MinIO). And how long it keeps that and what members have sent. A bucket is tried out before it is taken: something is written, read and removed. Changes hold at once.',
    )
    .addOption(
      new Option(
        '--endpoint <url>',
        'where the bucket answers, such as https://ACCOUNT.r2.cloudflarestorage.com (default: AWS)',
      ).argParser(httpOrigin),
    )
    .addOption(new Option('--region <name>', 'of the bucket (default: us-east-1)').argParser(region))
    .addOption(
      new Option(
        '--style <style>',
        'path or virtual: the bucket in the path, or before the host (default: path with --endpoint)',
      ).argParser(storageStyle),
    )
    .option(
      '--credentials <file>',
      'access key and secret key, written as ~/.aws/credentials is, for this user alone (default: what the SDK of AWS finds where the server runs)',
    )
    .option('--move', 'have what lies on the disk already go there as well')
    .addOption(
      new Option(
        '--keep-inputs <duration>',
        'how long what members have sent is kept after no job has needed it, or "never" to remove it (default: 7d)',
      ).argParser(delayOrNever),
    )
    .addOption(
      new Option(
        '--keep-outputs <duration>',
        'how long what a job has made is kept after it has ended, or "never" to remove it (default: 30d)',
      ).argParser(delayOrNever),
    )
    .addOption(
      new Option(
        '--keep-free <size>',
        'what stays free on the disk: new jobs are refused beyond it (default: 2 GB, or 5% of a small disk)',
      ).argParser(byteSize),
    )
    .addOption(
      new Option('--quota <size>', 'what files of jobs may have of the disk, or "none"').argParser(
        orNone(byteSize),
      ),
    )
    .option('--install', 'have npm put the SDK of AWS into AUTOPOD_HOME, about 25 MB, and end')
    .addHelpText(
      'after',
      examples([
        'autopod serve storage --install',
        'autopod serve storage s3://studio/made --endpoint https://ACCOUNT.r2.cloudflarestorage.com --credentials r2',
        'autopod serve storage --keep-outputs 90d --quota 200GB',
        'autopod serve storage disk',
      ]),
    )
    .action(runs(async () => (await import('../commands/serve-storage.ts')).storage));

  json(serve.command('status'))
    .summary('whether a fleet is served from this machine; exit 0 when all of it answers, else 1')
    .action(runs(async () => (await import('../commands/serve-status.ts')).serveStatus));

  json(serve.command('backup').argument('<file>', 'such as fleet.tar.gz'))
    .summary('keep all of a fleet that is not being served in one file')
    .description(
      'Keeps all that a fleet’s server has on disk in one file: its machines, its people, its journal; not the RunPod key. The server must not run meanwhile; the pods go on. To restore it, unpack it in AUTOPOD_HOME: tar -xzf fleet.tar.gz -C ~/.autopod',
    )
    .action(runs(async () => (await import('../commands/serve-backup.ts')).serveBackup));

  timeout(json(program.command('login').argument('<url>', 'the line of an invitation')), ASKING_MINUTES)
    .summary('use a fleet from here: its pods are those that commands are about')
    .description(
      'Logs in to a fleet with an invitation, which serves once. From then on `up`, `ls`, `info`, `start`, `stop`, `restart`, `kill` and `history` are about the pods of that fleet, and `run`, `jobs`, `pool` and `costs` about its jobs, unless --fleet none says otherwise.',
    )
    .action(runs(async () => (await import('../commands/login.ts')).login));

  timeout(json(program.command('page')), ASKING_MINUTES)
    .summary('open the page of the fleet in a browser, as who is logged in here')
    .description(
      'Opens the page of the fleet this machine is logged in to: its pods, whose they are, what they cost, and their machines. The address has a code in it that serves once, within two minutes; what the browser gets for it ends with its tab, or after twelve hours.',
    )
    .option('--no-open', 'open no browser; only print the address')
    .addHelpText('after', examples(['autopod page', 'autopod page --no-open']))
    .action(runs(async () => (await import('../fleet/page.ts')).page));

  json(program.command('logout'))
    .summary('forget the fleet: commands are about pods of this machine again')
    .action(runs(async () => (await import('../commands/login.ts')).logout));
}
