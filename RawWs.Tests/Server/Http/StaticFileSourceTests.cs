using System.Text;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;
using RawWs.Server.Http;

namespace RawWs.Tests.Server.Http;

public class StaticFileSourceTests
{
    private static readonly DateTimeOffset Changed = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(67);

    private string _folder = "";
    private string _root = "";
    private PhysicalFileProvider _provider = null!;
    private StaticFileSource _source = null!;

    [SetUp]
    public void CreateFolder()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-static-").FullName;
        _root = Path.Combine(_folder, "root");
        Write("root/index.html", "home");
        Write("root/app.js", "script");
        Write("root/docs/index.html", "docs");
        Write("root/docs/a b.txt", "spaced");
        Write("root/empty/readme.txt", "none");
        Write("root/.env", "secret");
        Write("root/.git/config", "secret");
        Write("root/docs/.hidden/x.txt", "secret");
        Write("secret.txt", "secret");
        Write("root-2/secret.txt", "secret");

        // The provider's own filter for hidden files is off: the source must not depend on it.
        _provider = new PhysicalFileProvider(_root, ExclusionFilters.None);
        _source = new StaticFileSource(_provider);
    }

    [TearDown]
    public void DeleteFolder()
    {
        _provider.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase("/", "home")]
    [TestCase("/index.html", "home")]
    [TestCase("/app.js", "script")]
    [TestCase("/docs/", "docs")]
    [TestCase("/docs", "docs")]
    [TestCase("/docs/index.html", "docs")]
    [TestCase("/docs/a b.txt", "spaced")]
    public void A_path_leads_to_its_file_or_to_the_index_of_its_directory(string path, string content) =>
        Assert.That(Read(path), Is.EqualTo(content));

    [TestCase("")]
    [TestCase("app.js")]
    [TestCase("/missing")]
    [TestCase("/app.js/")]
    [TestCase("/app.js/index.html")]
    [TestCase("/empty")]
    [TestCase("/empty/")]
    [TestCase("//app.js")]
    [TestCase("/docs//index.html")]
    [TestCase("//")]
    [TestCase("/./app.js")]
    [TestCase("/docs/../app.js")]
    [TestCase("/../secret.txt")]
    [TestCase("/..")]
    [TestCase("/docs/..")]
    [TestCase("/docs/../../secret.txt")]
    [TestCase("/../root-2/secret.txt")]
    [TestCase("/..\\secret.txt")]
    [TestCase("/docs\\..\\..\\secret.txt")]
    [TestCase("/%2e%2e/secret.txt")]
    [TestCase("/..%2fsecret.txt")]
    [TestCase("/app.js\0")]
    [TestCase("/app.js\0.txt")]
    [TestCase("/app.js\n")]
    [TestCase("/app.js::$DATA")]
    [TestCase("/C:/Windows/win.ini")]
    [TestCase("/~")]
    [TestCase("/.env")]
    [TestCase("/.git/config")]
    [TestCase("/docs/.hidden/x.txt")]
    [TestCase("/...")]
    public void Nothing_else_is_served(string path) =>
        Assert.That(_source.TryResolve(path, out _), Is.False);

    [Test]
    public void An_absolute_path_and_a_very_long_one_are_not_served()
    {
        Assert.Multiple(() =>
        {
            Assert.That(_source.TryResolve(Path.Combine(_folder, "secret.txt"), out _), Is.False);
            Assert.That(_source.TryResolve("/" + _root + "/app.js", out _), Is.False);
            Assert.That(_source.TryResolve("/" + new string('x', 100_000), out _), Is.False);
            Assert.That(_source.TryResolve("/" + string.Join('/', Enumerable.Repeat("x", 20_000)), out _), Is.False);
        });
    }

    [Test]
    public void A_link_that_leads_out_of_the_root_is_not_followed()
    {
        Link("root/file.txt", "../secret.txt");
        Link("root/absolute.txt", Path.Combine(_folder, "secret.txt"));
        Link("root/folder", "..");
        Link("root/sibling", "../root-2");
        Link("root/docs/chain", "../folder");
        Link("root/index", "../secret-index");
        Write("secret-index/index.html", "secret");

        Assert.Multiple(() =>
        {
            Assert.That(_source.TryResolve("/file.txt", out _), Is.False);
            Assert.That(_source.TryResolve("/absolute.txt", out _), Is.False);
            Assert.That(_source.TryResolve("/folder/secret.txt", out _), Is.False);
            Assert.That(_source.TryResolve("/sibling/secret.txt", out _), Is.False);
            Assert.That(_source.TryResolve("/docs/chain/secret.txt", out _), Is.False);
            Assert.That(_source.TryResolve("/index", out _), Is.False);
            Assert.That(_source.TryResolve("/index/", out _), Is.False);
        });
    }

    [Test]
    public void A_link_that_stays_inside_is_followed()
    {
        Link("root/same.js", "app.js");
        Link("root/docs/up.js", "../same.js");
        Link("root/guide", "docs");
        Link("root/roundabout", "folder-out-and-back/docs");
        Link("root/folder-out-and-back", "../root");

        Assert.Multiple(() =>
        {
            Assert.That(Read("/same.js"), Is.EqualTo("script"));
            Assert.That(Read("/docs/up.js"), Is.EqualTo("script"));
            Assert.That(Read("/guide/"), Is.EqualTo("docs"));
            Assert.That(Read("/roundabout/"), Is.EqualTo("docs"));
        });
    }

    [Test]
    public void A_link_in_a_circle_or_to_nothing_is_not_served()
    {
        Link("root/a", "b");
        Link("root/b", "a");
        Link("root/dangling.txt", "gone.txt");

        Assert.Multiple(() =>
        {
            Assert.That(_source.TryResolve("/a", out _), Is.False);
            Assert.That(_source.TryResolve("/a/b/a", out _), Is.False);
            Assert.That(_source.TryResolve("/dangling.txt", out _), Is.False);
        });
    }

    [Test]
    public void The_root_itself_may_be_reached_by_a_link()
    {
        Link("current", "root");
        using var provider = new PhysicalFileProvider(Path.Combine(_folder, "current"));

        Assert.That(new StaticFileSource(provider).TryResolve("/docs/", out _), Is.True);
    }

    [Test]
    public void A_physical_file_tells_its_size_its_time_in_whole_seconds_and_a_weak_tag()
    {
        string path = Path.Combine(_root, "app.js");
        File.SetLastWriteTimeUtc(path, Changed.UtcDateTime);
        StaticFile file = Resolve("/app.js");
        File.SetLastWriteTimeUtc(path, Changed.UtcDateTime.AddMilliseconds(1));
        StaticFile later = Resolve("/app.js");

        Assert.Multiple(() =>
        {
            Assert.That(file.Length, Is.EqualTo(6));
            Assert.That(file.LastModified, Is.EqualTo(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
            Assert.That(file.ETag, Does.Match("^W/\"6-[0-9a-f]+\"$"));
            Assert.That(later.ETag, Is.Not.EqualTo(file.ETag));
            Assert.That(file.ContentType, Is.EqualTo("text/javascript; charset=utf-8"));
        });
    }

    [Test]
    public void A_link_tells_the_size_and_tag_of_its_target()
    {
        Link("root/same.js", "app.js");

        Assert.Multiple(() =>
        {
            Assert.That(Resolve("/same.js").Length, Is.EqualTo(6));
            Assert.That(Resolve("/same.js").ETag, Is.EqualTo(Resolve("/app.js").ETag));
        });
    }

    [Test]
    public void A_resource_has_a_hash_of_its_content_as_its_tag_read_once()
    {
        var files = new Resources { ["app.js"] = "script", ["copy.js"] = "script", ["other.js"] = "Script" };
        var source = new StaticFileSource(files);

        string[] tags =
            [Tag(source, "/app.js"), Tag(source, "/app.js"), Tag(source, "/copy.js"), Tag(source, "/other.js")];

        Assert.Multiple(() =>
        {
            Assert.That(tags[0], Does.Match("^\"[A-Za-z0-9_-]{22}\"$"));
            Assert.That(tags[1], Is.EqualTo(tags[0]));
            Assert.That(tags[2], Is.EqualTo(tags[0]));
            Assert.That(tags[3], Is.Not.EqualTo(tags[0]));
            Assert.That(files.Reads, Is.EqualTo(3));
        });
    }

    [Test]
    public void Hashes_are_bounded_in_size_and_number()
    {
        var files = new Resources { ["big.txt"] = new string('x', (1024 * 1024) + 1) };
        for (int i = 0; i < 1_030; i++)
            files[$"{i}.txt"] = "content";
        var source = new StaticFileSource(files);

        int strong = Enumerable.Range(0, 1_030).Count(i => Tag(source, $"/{i}.txt").StartsWith('"'));

        Assert.Multiple(() =>
        {
            Assert.That(Tag(source, "/big.txt"), Does.StartWith("W/\""));
            Assert.That(strong, Is.EqualTo(1024));
        });
    }

    [Test]
    public void Opening_a_file_that_has_gone_since_is_an_IOException()
    {
        StaticFile file = Resolve("/app.js");
        File.Delete(Path.Combine(_root, "app.js"));

        Assert.That(file.Open, Throws.InstanceOf<IOException>());
    }

    private static string Tag(StaticFileSource source, string path) =>
        source.TryResolve(path, out StaticFile? file) ? file.ETag : "none";

    private StaticFile Resolve(string path)
    {
        Assert.That(_source.TryResolve(path, out StaticFile? file), Is.True);
        return file!;
    }

    private string Read(string path)
    {
        using var reader = new StreamReader(Resolve(path).Open());
        return reader.ReadToEnd();
    }

    private void Write(string path, string content)
    {
        string full = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }

    private void Link(string path, string target) =>
        File.CreateSymbolicLink(Path.Combine(_folder, path), target);

    private sealed class Resources : Dictionary<string, string>, IFileProvider
    {
        public int Reads { get; set; }

        public IFileInfo GetFileInfo(string subpath) => new Resource(this, subpath);

        public IDirectoryContents GetDirectoryContents(string subpath) => NotFoundDirectoryContents.Singleton;

        public IChangeToken Watch(string filter) => NullChangeToken.Singleton;
    }

    private sealed class Resource(Resources all, string path) : IFileInfo
    {
        public bool Exists => all.ContainsKey(path);

        public bool IsDirectory => false;

        public DateTimeOffset LastModified => Changed;

        public long Length => all[path].Length;

        public string Name => path;

        public string? PhysicalPath => null;

        public Stream CreateReadStream()
        {
            all.Reads++;
            return new MemoryStream(Encoding.UTF8.GetBytes(all[path]));
        }
    }
}
