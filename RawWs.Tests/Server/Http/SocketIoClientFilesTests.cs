using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.FileProviders;
using RawWs.Server;
using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Http;

/// <summary>The official client's files over a real socket, as a browser asks for them.</summary>
[TestFixture]
public sealed class SocketIoClientFilesTests
{
    private const string Script = "/socket.io/socket.io.js";
    private const string Gzip = "Accept-Encoding: gzip, deflate, br\r\n";

    private static readonly string Content = string.Concat(Enumerable.Repeat("console.log('the client');\n", 100));

    private string _folder = "";
    private PhysicalFileProvider _files = null!;
    private TestServer _server = null!;

    [SetUp]
    public async Task Start()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-client-").FullName;
        foreach (var variant in new[] { "", ".min", ".esm.min", ".msgpack.min" })
        {
            Write($"socket.io{variant}.js", $"{Content}// {variant}");
            Write($"socket.io{variant}.js.map", "{}");
        }

        Write("package.json", "{}");
        _files = new PhysicalFileProvider(_folder);
        _server = await TestServer.StartAsync(
            options => options.Engine.Cors = new CorsOptions { Origins = { "http://page.example" } },
            server => server.MapSocketIoClient(_files));
    }

    [TearDown]
    public async Task Stop()
    {
        await _server.DisposeAsync();
        _files.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase("")]
    [TestCase(".min")]
    [TestCase(".esm.min")]
    [TestCase(".msgpack.min")]
    public async Task Script_and_its_source_map_are_served(string variant)
    {
        var script = await GetAsync($"/socket.io/socket.io{variant}.js?v=4");
        var map = await GetAsync($"/socket.io/socket.io{variant}.js.map");
        Assert.Multiple(() =>
        {
            Assert.That((script.Status, script.Body), Is.EqualTo((200, $"{Content}// {variant}")));
            Assert.That(script.Header("Content-Type"), Is.EqualTo("text/javascript; charset=utf-8"));
            Assert.That(script.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(script.Header("Content-Encoding"), Is.Null);
            Assert.That((map.Status, map.Body), Is.EqualTo((200, "{}")));
            Assert.That(map.Header("Content-Type"), Is.EqualTo("application/json"));
        });
    }

    [Test]
    public async Task Script_is_compressed_for_whoever_takes_that()
    {
        var plain = await GetAsync(Script);
        var compressed = await GetAsync(Script, Gzip);
        var again = await GetAsync(Script, Gzip);
        var head = await EngineClient.SendAsync(_server.EndPoint, "HEAD", Script, Gzip, "");
        Assert.Multiple(() =>
        {
            Assert.That(Inflate(compressed.Bytes), Is.EqualTo(plain.Body));
            Assert.That(compressed.Bytes, Has.Length.LessThan(plain.Bytes.Length / 10));
            Assert.That(compressed.Header("Content-Encoding"), Is.EqualTo("gzip"));
            Assert.That(compressed.Header("ETag"), Does.StartWith("W/"));
            Assert.That(plain.Head, Does.Contain("\r\nVary: Accept-Encoding\r\n"));
            Assert.That(compressed.Head, Does.Contain("\r\nVary: Accept-Encoding\r\n"));
            Assert.That(again.Bytes, Is.EqualTo(compressed.Bytes));
            Assert.That(head.Header("Content-Length"), Is.EqualTo($"{compressed.Bytes.Length}"));
        });
    }

    [Test]
    public async Task Compressed_copy_goes_with_the_file_it_was_made_of()
    {
        await GetAsync(Script, Gzip);
        Write("socket.io.js", "another");
        Assert.That(Inflate((await GetAsync(Script, Gzip)).Bytes), Is.EqualTo("another"));
    }

    [Test]
    public async Task File_of_unusual_size_is_sent_as_it_is()
    {
        Write("socket.io.js", new string('x', (1024 * 1024) + 1));
        var answer = await GetAsync(Script, Gzip);
        Assert.That((answer.Header("Content-Encoding"), answer.Bytes.Length), Is.EqualTo(((string?)null, 1024 * 1024 + 1)));
    }

    [TestCase("")]
    [TestCase(Gzip)]
    public async Task Copy_that_is_still_good_is_not_sent_again(string headers)
    {
        var first = await GetAsync(Script, headers);
        var second = await GetAsync(Script, $"{headers}If-None-Match: {first.Header("ETag")}\r\n");
        Assert.Multiple(() =>
        {
            Assert.That((second.Status, second.Bytes.Length), Is.EqualTo((304, 0)));
            Assert.That(second.Header("ETag"), Is.EqualTo(first.Header("ETag")));
            Assert.That(second.Head, Does.Contain("\r\nVary: Accept-Encoding\r\n"));
        });
    }

    [Test]
    public async Task Pages_that_may_poll_from_elsewhere_may_import_the_script()
    {
        var allowed = await GetAsync(Script, "Origin: http://page.example\r\n");
        var other = await GetAsync(Script, "Origin: http://other.example\r\n");
        Assert.That(allowed.Header("Access-Control-Allow-Origin"), Is.EqualTo("http://page.example"));
        Assert.That((other.Status, other.Header("Access-Control-Allow-Origin")), Is.EqualTo((200, (string?)null)));
    }

    [TestCase("/socket.io/package.json")]
    [TestCase("/socket.io/../package.json")]
    [TestCase("/socket.io/socket.io.slim.js")]
    [TestCase("/socket.io/x/socket.io.js")]
    public async Task Nothing_else_of_the_folder_is_served(string path) =>
        Assert.That((await GetAsync(path)).Status, Is.GreaterThanOrEqualTo(400));

    [Test]
    public async Task Only_reading_is_allowed()
    {
        var answer = await EngineClient.SendAsync(_server.EndPoint, "POST", Script, "", "x");
        Assert.That((answer.Status, answer.Header("Allow")), Is.EqualTo((405, "GET, HEAD")));
    }

    [Test]
    public async Task Session_opens_beside_the_files() =>
        Assert.That((await GetAsync("/socket.io/?EIO=4&transport=polling")).Body, Does.StartWith("0{\"sid\":"));

    [Test]
    public async Task Missing_file_is_404_and_says_what_to_install()
    {
        File.Delete(Path.Combine(_folder, "socket.io.js"));
        await using var without = await TestServer.StartAsync();
        foreach (var server in new[] { _server, without })
        {
            var answer = await EngineClient.GetAsync(server, Script);
            Assert.That(answer.Status, Is.EqualTo(404));
            Assert.That(answer.Body, Does.Contain("npm install socket.io-client"));
        }
    }

    [Test]
    public async Task Files_follow_the_path_of_Socket_IO()
    {
        await using var server = await TestServer.StartAsync(
            options => options.SocketIoPath = "/live/", server => server.MapSocketIoClient(_files));
        Assert.That((await EngineClient.GetAsync(server, "/live/socket.io.min.js")).Status, Is.EqualTo(200));
        Assert.That((await EngineClient.GetAsync(server, Script)).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Files_are_mapped_once_before_the_start_and_with_a_path()
    {
        await using var mapped = new RawWsServer();
        mapped.MapSocketIoClient(_files);
        await using var without = new RawWsServer(new ServerOptions { SocketIoPath = null });
        Assert.Multiple(() =>
        {
            Assert.That(() => mapped.MapSocketIoClient(_files), Throws.InvalidOperationException);
            Assert.That(() => without.MapSocketIoClient(_files), Throws.InvalidOperationException);
            Assert.That(() => _server.Server.MapSocketIoClient(_files), Throws.InvalidOperationException);
            Assert.That(() => without.MapSocketIoClient(null!), Throws.ArgumentNullException);
        });
    }

    private static string Inflate(byte[] compressed)
    {
        using var reader = new StreamReader(
            new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private Task<WireResponse> GetAsync(string path, string headers = "") =>
        EngineClient.GetAsync(_server, path, headers);

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
