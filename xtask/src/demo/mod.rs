//! `cargo xtask demo`: from a bare machine to records of a public data set in consumers' hands, and on past the death of
//! the broker. Every step is one that a user would take: helm, kubectl and unchanged Kafka clients of five languages.
//!
//! The story is [`tell`]; its parts are [`cluster`] (what Kubernetes is asked), [`clients`] (who writes and reads),
//! [`data`] (what), and [`report`] (whether it arrived).

mod clients;
mod cluster;
mod data;
mod forward;
mod report;

use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ottla_test_clients::{Client, Follower, Record};

use self::clients::{Clients, Producer};
use self::cluster::{CLUSTER, Cluster, MANIFEST, NAMESPACE};
use self::data::DataSet;
use self::report::Comparison;
use crate::{images, kubernetes, packages, program, progress};

/// The group that the two consumers share.
const GROUP: &str = "demo";
/// Consumers need a session timeout of 10 s, twice, to notice and mend everything that can happen here.
const PATIENCE: Duration = Duration::from_secs(120);
/// Every tenth record is kept back until after the broker's death.
const KEPT_BACK: usize = 10;

/// From kubectl apply to a record in a consumer's hands.
#[derive(clap::Args)]
pub struct Arguments {
    /// Takes the Kubernetes down at the end.
    #[arg(long, conflicts_with = "context")]
    down: bool,
    /// On the cluster of this context of your kubeconfig, rather than on a local one made for it. Images are loaded into
    /// clusters of kind and minikube; for others name a --registry.
    #[arg(long)]
    context: Option<String>,
    /// Pushes the images to this registry, from where the cluster pulls them, rather than loading them into its nodes.
    #[arg(long, requires = "context", value_name = "REGISTRY/REPOSITORY")]
    registry: Option<images::Repository>,
}

impl Arguments {
    /// As the tests run it: on a local Kubernetes, which is left for the tests that come after.
    pub fn for_test() -> Arguments {
        Arguments { down: false, context: None, registry: None }
    }
}

/// Prepares everything, tells the story, and says how to go on.
pub fn run(arguments: &Arguments) -> Result<()> {
    println!(
        "This shows a real Kubernetes, Ottla on it, and Kafka clients of five languages. The first time it compiles and\n\
         downloads for 20 to 30 minutes on two cores, later it takes about two. It needs root. Downloads come from Debian,\n\
         Maven, PyPI, npm, crates and Go modules, and stay in the cache."
    );
    packages::ensure(packages::CLIENTS)?;
    let access = kubernetes::whole(arguments.context.as_deref())?;
    let step = progress::step("Kafka clients for Java, Python, JavaScript and Go");
    let folder = clients::install()?;
    step.done();
    let (broker, operator) = (images::broker()?, images::operator()?);
    match &arguments.registry {
        Some(registry) => {
            for image in [&broker, &operator] {
                image.push(registry, &image.tag, false)?;
            }
        }
        None => {
            let step = progress::step("load the images");
            for image in [&broker, &operator] {
                kubernetes::load(&access, &image.archive)?;
            }
            step.done();
        }
    }
    let cluster = Cluster::new(access.clone());
    let step = progress::step("install the operator with helm");
    let place = arguments.registry.clone().unwrap_or_else(images::Repository::local);
    cluster.install(&place, &operator, &broker)?;
    step.done_with(&operator.reference());

    tell(&cluster, &data::read(&folder)?)?;

    if arguments.down {
        return kubernetes::down();
    }
    println!(
        "\nThe cluster goes on running. Look at it:\n  \
           {setup}\n  \
           kubectl -n {NAMESPACE} get kafka,kafkanodepool,kafkatopic,pods",
        setup = access.shell_setup()
    );
    if arguments.context.is_some() {
        println!("Remove it:\n  kubectl delete namespace {NAMESPACE}");
        return Ok(());
    }
    println!(
        "Any Kafka client of this machine, such as kcat, reaches it like this:\n  \
           cargo xtask kubernetes within kcat -b {CLUSTER}-kafka-bootstrap.{NAMESPACE}.svc:9092 -L\n\
         Take everything down:\n  \
           cargo xtask kubernetes down"
    );
    Ok(())
}

/// The story itself.
fn tell(cluster: &Cluster, sets: &[DataSet]) -> Result<()> {
    let topics: Vec<&str> = sets.iter().map(|set| set.topic).collect();
    if cluster.is_there()? {
        let step = progress::step("remove the cluster of an earlier demonstration");
        cluster.clear(&topics)?;
        step.done();
    }
    let step = progress::step(format!("kubectl apply -f {MANIFEST}"));
    let bootstrap = cluster.apply_kafka()?;
    step.done_with(&format!("ready at {bootstrap}"));
    let step = progress::step(format!("kubectl apply three KafkaTopics: {}", topics.join(", ")));
    cluster.apply_topics(&topics)?;
    step.done();

    let (names, _forward) = cluster.names(&bootstrap)?;
    let clients = Clients { names, bootstrap };
    let step = progress::step("a group of kafka-python and sarama");
    let mut group = [
        clients.follow(Client::KafkaPython, "kafka-python", &topics, GROUP)?,
        clients.follow(Client::Sarama, "sarama", &topics, GROUP)?,
    ];
    let half = topics.len() * cluster::PARTITIONS / 2;
    wait(&mut group, "half of the partitions for each", |group| {
        group.iter().all(|member| member.ask(|seen| seen.assigned.len() == half))
    })?;
    step.done_with(&format!("{half} partitions each"));

    let parts: Vec<(Producer, &DataSet, &[Record], &[Record])> = sets
        .iter()
        .zip([Producer::JavaConsole, Producer::Librdkafka, Producer::Kafkajs])
        .map(|(set, producer)| {
            let (now, later) = set.records.split_at(set.records.len() - set.records.len() / KEPT_BACK);
            (producer, set, now, later)
        })
        .collect();
    for (producer, set, now, _) in &parts {
        produce(&clients, *producer, set, now)?;
    }
    let first: usize = parts.iter().map(|(_, _, now, _)| now.len()).sum();
    wait_read(&mut group, first)?;
    wait_committed(&clients)?;
    compare("What the files say, and what the group of two has read:", &parts, &group, [0, 0], |part| part.2)?;

    let step = progress::step("kill the broker's pod");
    let marks = [0, 1].map(|member: usize| group[member].ask(|seen| seen.records.len()));
    let pod = cluster.kill_broker()?;
    step.done_with(&format!("another {pod} is ready"));

    let step = progress::step("read everything again, with franz-go");
    let mut again = Vec::new();
    for (_, set, now, _) in &parts {
        again.push(clients.read_all(set.topic, &format!("{GROUP}-{}", set.topic), now.len())?);
    }
    step.done();
    let rows: Vec<Comparison<'_>> = parts
        .iter()
        .zip(&again)
        .map(|((producer, set, now, _), read)| Comparison {
            topic: set.topic,
            producer: producer.name(),
            sent: now,
            read: vec![("franz-go", read.iter().collect())],
        })
        .collect();
    report::compare("Every record is still there:", &rows)?;

    for (producer, set, _, later) in &parts {
        produce(&clients, *producer, set, later)?;
    }
    let all: usize = sets.iter().map(|set| set.records.len()).sum();
    wait_read(&mut group, all)?;
    wait_committed(&clients)?;
    compare(
        "The group went on where it was, and read nothing again that it had committed:",
        &parts,
        &group,
        marks,
        |part| part.3,
    )?;
    for member in group {
        let name = member.name().to_owned();
        member.end().with_context(|| format!("end {name}"))?;
    }
    Ok(())
}

type Part<'a> = (Producer, &'a DataSet, &'a [Record], &'a [Record]);

fn produce(clients: &Clients, producer: Producer, set: &DataSet, records: &[Record]) -> Result<()> {
    let step = progress::step(format!("{} writes {} of {}", producer.name(), records.len(), set.file));
    clients.produce(producer, set.topic, records)?;
    step.done();
    Ok(())
}

/// Waits until the group has read `count` different records.
fn wait_read(group: &mut [Follower; 2], count: usize) -> Result<()> {
    let step = progress::step("the group reads");
    wait(group, &format!("{count} records"), |group| {
        let mut places = HashSet::new();
        for member in group {
            member.ask(|seen| {
                let place = |(topic, record): &(String, Record)| (topic.clone(), record.partition, record.offset);
                places.extend(seen.records.iter().map(place));
            });
        }
        places.len() >= count
    })?;
    step.done();
    Ok(())
}

/// Waits until the group has committed everything, which is where it must go on.
fn wait_committed(clients: &Clients) -> Result<()> {
    let step = progress::step("the group commits");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match clients.lag(GROUP) {
            Ok(0) => break,
            Ok(lag) if Instant::now() > deadline => bail!("the group {GROUP} has not committed {lag} records"),
            Err(error) if Instant::now() > deadline => return Err(error),
            // Not yet; asking again takes a second by itself, as Java has to start.
            Ok(_) | Err(_) => {}
        }
    }
    step.done_with("no lag, says Java's consumer group tool");
    Ok(())
}

fn wait(group: &mut [Follower; 2], what: &str, is_so: impl Fn(&[Follower; 2]) -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so(group) {
        group.iter_mut().try_for_each(Follower::check)?;
        if Instant::now() > deadline {
            let states: Vec<String> = group.iter().map(state).collect();
            bail!("{what}: not after {} s\n{}", PATIENCE.as_secs(), states.join("\n"));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// What a member has and what it complained of.
fn state(member: &Follower) -> String {
    member.ask(|seen| {
        format!(
            "{}: {} records, {} partitions\n{}",
            member.name(),
            seen.records.len(),
            seen.assigned.len(),
            program::last_lines(&seen.complaints.join("\n"))
        )
    })
}

/// Compares what each member has read since its mark with the part of each data set that was sent since.
///
/// A member that is away for longer than its session, as when the pod's death is told to nobody and its connection hangs,
/// loses its partitions; who takes them over, or itself when it is back, reads again what was not committed yet. Every Kafka
/// client does so. Such a record counts once and is told of; one that was committed before the mark is found by its checksum.
fn compare(
    title: &str,
    parts: &[Part<'_>],
    group: &[Follower; 2],
    marks: [usize; 2],
    sent: impl for<'p> Fn(&Part<'p>) -> &'p [Record],
) -> Result<()> {
    let seen = [group[0].seen(), group[1].seen()];
    let mut again = 0;
    let rows: Vec<Comparison<'_>> = parts
        .iter()
        .map(|part| {
            let mut places = HashSet::new();
            let mut of_topic = |member: usize| {
                let since = seen[member].records.get(marks[member]..).unwrap_or_default();
                let records = since.iter().filter(|(topic, _)| topic == part.1.topic).map(|(_, record)| record);
                let (new, known): (Vec<_>, Vec<_>) =
                    records.partition(|record| places.insert((record.partition, record.offset)));
                again += known.len();
                new
            };
            Comparison {
                topic: part.1.topic,
                producer: part.0.name(),
                sent: sent(part),
                read: vec![(group[0].name(), of_topic(0)), (group[1].name(), of_topic(1))],
            }
        })
        .collect();
    report::compare(title, &rows)?;
    if again > 0 {
        println!(
            "{again} of them were delivered twice: read, and not yet committed when the partitions were shared out anew."
        );
    }
    Ok(())
}
